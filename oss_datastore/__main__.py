"""`python -m oss_datastore` is `oss-datastore`."""

from oss_datastore.cli import main

main()
