"""One request on its way through the application."""

from __future__ import annotations

from dataclasses import dataclass

from oss_datastore.simulator.http import Asked
from oss_datastore.simulator.tokens import Token


@dataclass
class Visit:
    """Who asked, where it leads, what became of it, and whether it is counted.

    `key` is the token, `budget` whose limits it draws on; `signed`: an app speaks for itself.
    """

    asked: Asked
    key: str
    token: Token
    version: str
    resource: str = "core"
    endpoint: str = "?"
    permission: str = ""
    scopes: str = ""
    outcome: str = ""
    charge: bool = True
    budget: str = ""
    signed: bool = False
    paths: tuple[str, ...] = ()
