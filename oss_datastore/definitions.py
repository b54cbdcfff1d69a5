"""What Dagster loads."""

from oss_datastore.build import build_definitions

defs = build_definitions()
