"""A GitHub of one's own on loopback: REST in both versions and GraphQL over a history made from a seed.

Demo and tests run on it; nothing of the product imports it.
"""

from oss_datastore.simulator.limits import Limits
from oss_datastore.simulator.server import Simulator, serve
from oss_datastore.simulator.tokens import Token
from oss_datastore.simulator.world import World

__all__ = ["Limits", "Simulator", "Token", "World", "serve"]
