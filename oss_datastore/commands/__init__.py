"""The commands of `oss-datastore`, one module for those that belong together. They print; they decide nothing."""
