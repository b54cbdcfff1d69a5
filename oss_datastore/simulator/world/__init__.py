"""The simulated history: what is true at an instant, as a pure function of a seed and that instant.

Nothing here knows of HTTP, tokens, paging or faults; it answers "what was so at t?" and nothing else. Instants are
whole seconds since 1970 (UTC). Asking twice gives the same answer; asking later gives the same past.
"""

from oss_datastore.simulator.world.dice import ANCHOR
from oss_datastore.simulator.world.history import Org, World

__all__ = ["ANCHOR", "Org", "World"]
