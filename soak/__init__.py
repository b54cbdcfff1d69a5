"""Days fetched while everything goes wrong, and whether each promise was kept: `make soak`."""
