"""A GitHub App's signature and the tokens it gets for its installations: how long they live, and what they may spend.

Which apps there are belongs to `world.apps`.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from oss_datastore.simulator.v3.call import Refused
from oss_datastore.simulator.world import World
from oss_datastore.simulator.world.apps import Installation

LONGEST = 600
"""How many seconds a signature may be good for."""
DRIFT = 60
"""How many seconds the app's clock may be ahead."""
MINTED = "ghs_"
"""How the tokens of installations begin."""
NO_SIGNATURE = "A JSON web token could not be decoded"
MOST_AN_HOUR, MORE_FOR_EACH, FREE = 12_500, 50, 20


def _part(text: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def looks_signed(value: str) -> bool:
    """Whether a token is a signature: three parts between dots."""
    return value.count(".") == 2 and value.startswith("ey")


@dataclass
class AppTokens:
    """What one app may show and was given.

    With a `public_key` (PEM) signatures are checked against it and must be `app_id`'s; without one, any that is well
    formed is good. A token lives `lifetime` seconds.
    """

    public_key: str | None = None
    app_id: int | None = None
    lifetime: float = 3_600.0
    _minted: dict[str, tuple[Installation, float]] = field(default_factory=dict)

    def check(self, signature: str, now: int) -> None:
        """Raises Refused in GitHub's words for a signature that is none, or not good at this time."""
        try:
            head, claims = (_part(part) for part in signature.split(".")[:2])
            issued, expires, issuer = int(claims["iat"]), int(claims["exp"]), str(claims["iss"])
            if head["alg"] != "RS256":
                raise ValueError(head["alg"])
        except (ValueError, KeyError, TypeError):
            raise Refused(401, NO_SIGNATURE) from None
        if issued > now + DRIFT:
            raise Refused(401, "'Issued at' claim ('iat') must be an Integer representing the time it was issued")
        if expires <= now:
            raise Refused(401, "'Expiration time' claim ('exp') must be a numeric value in the future")
        if expires > now + LONGEST + DRIFT:
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")
        if self.app_id is not None and issuer != str(self.app_id):
            raise Refused(404, "Integration not found")
        if self.public_key is not None:
            self._verify(signature)

    def _verify(self, signature: str) -> None:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        key = load_pem_public_key((self.public_key or "").encode())
        if not isinstance(key, RSAPublicKey):
            raise ValueError("the app's public key must be an RSA key")
        text, _, given = signature.rpartition(".")
        try:
            key.verify(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)), text.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            raise Refused(401, NO_SIGNATURE) from None

    def mint(self, installation: Installation, now: int, elapsed: float) -> tuple[str, int]:
        """A new token, and when it ends by the calendar. Raises Refused where the installation is suspended."""
        if installation.suspended is not None:
            raise Refused(403, "This installation has been suspended")
        token = f"{MINTED}{secrets.token_hex(18)}"
        self._minted[token] = installation, elapsed + self.lifetime
        return token, now + int(self.lifetime)

    def find(self, token: str, elapsed: float) -> Installation | None:
        """The installation that a token stands for; None for one that is over or was never given."""
        installation, ends = self._minted.get(token, (None, 0.0))
        return installation if elapsed < ends else None


def hourly_limit(world: World, installation: Installation, base: int, now: int) -> int:
    """What an installation may spend in an hour: more for each repository and member beyond twenty of each."""
    org = world.orgs[installation.org.login.lower()]
    more = max(0, len(org.repositories_at(now)) - FREE) + max(0, len(org.members(now)) - FREE)
    return max(base, min(MOST_AN_HOUR, base + MORE_FOR_EACH * more))
