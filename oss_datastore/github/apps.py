"""Tokens of a GitHub App: one for each organisation it is installed in, an hour each, renewed before they end.

Only how such tokens come to be belongs here; which token is taken first is said by `AppTokens`. All three steps are
GitHub's documented ones: a signature by the App's key, the installation of the organisation, a token for it. Lifetimes
are told by the server and measured by a clock that nobody can hold; a signature needs the true time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oss_datastore.github import errors
from oss_datastore.github.auth import NoToken, StaticTokens, Token
from oss_datastore.github.budget import Timer
from oss_datastore.github.counters import http_date
from oss_datastore.github.messages import Answer
from oss_datastore.github.rest import Rest
from oss_datastore.redaction import remember_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

log = logging.getLogger(__name__)

BACK_DATED = 60
"""Seconds a signature is dated back, against clocks that differ."""
SIGNED_FOR = 540
"""Seconds from now until a signature ends; GitHub takes at most ten minutes."""
RENEWED_BEFORE = 300.0
"""Seconds before its end at which a token is renewed."""
LIFETIME = 3600.0
"""How long a token lives, where GitHub does not say."""
_LAST_USE = 10.0
"""Seconds before its end from which a token is no longer sent: it must still be good when it arrives."""
_PATIENCE = 30.0
"""Seconds between attempts to renew a token that is still good."""
_BELIEVED = 600.0
"""Seconds for which a refusal, or an App that is not installed, is taken as lasting."""
_TRANSIENT = (errors.ServerFault, errors.Unreachable, errors.MalformedBody, errors.RateLimited)


@dataclass(frozen=True)
class App:
    """A GitHub App, as the settings name it."""

    app_id: str
    key: RSAPrivateKey = field(repr=False)

    @classmethod
    def of(cls, app_id: str, pem: str) -> App:
        """The App with its key, whose line breaks may be written as `\\n`. Raises NoToken naming the setting."""
        # Here and not at the top: these take longer to import than the rest of the client, and most have no App.
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        pem = pem.replace("\\n", "\n").strip()
        remember_secret(pem)
        key = None
        # What the library says may quote the key.
        with suppress(ValueError, TypeError):
            key = load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise NoToken(
                "GITHUB_APP_PRIVATE_KEY: holds no RSA private key; put in the whole .pem file that GitHub made for the "
                "App, from -----BEGIN to the end of the last line, line breaks as they are or as \\n"
            )
        return cls(app_id.strip(), key)

    def signed(self, now: float) -> str:
        """Proof for the next minutes that we are the App; `now` in seconds since 1970."""
        import jwt

        claims = {"iat": int(now) - BACK_DATED, "exp": int(now) + SIGNED_FOR, "iss": self.app_id}
        return jwt.encode(claims, self.key, algorithm="RS256")


class Signatures:
    """The App's own token: good for asking about its installations and for nothing else."""

    def __init__(self, app: App, now: Callable[[], float] = time.time) -> None:
        self._app = app
        self._now = now
        self._ahead = 0.0
        """Seconds GitHub's clock is ahead of ours, as far as it mattered."""

    def token(self, org: str | None) -> Token:
        return Token(self._app.signed(self._now() + self._ahead), f"app-{self._app.app_id}")

    def renew(self, org: str | None, refused: Token, answer: Answer | None) -> Token | None:
        """A signature by GitHub's clock, where ours is so wrong that this may be why the first was refused."""
        theirs = http_date(answer.headers.get("date")) if answer else None
        ahead = theirs.timestamp() - self._now() if theirs else 0.0
        if abs(ahead - self._ahead) < BACK_DATED / 2:
            return None
        self._ahead = ahead
        return self.token(org)


@dataclass
class _Minted:
    """A token of an installation, and until when (of the monotonic clock) it is taken."""

    token: Token
    at: float
    renew_at: float
    ends_at: float
    replaces_refused: bool


@dataclass
class _Seat:
    """What is known of the App's place in one organisation."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by the one thread that asks; the others go on with the token there is."""
    installation: int | None = None
    absent_until: float = 0.0
    minted: _Minted | None = None

    def token(self, now: float) -> Token | None:
        """The token, where it can still be used."""
        return self.minted.token if self.minted and now < self.minted.ends_at else None


class Installations:
    """Tokens for organisations in which the App is installed."""

    def __init__(self, app: App, rest: Rest, timer: Timer) -> None:
        self._app = app
        self._rest = rest
        self._timer = timer
        self._seats: dict[str, _Seat] = {}
        self._page: str | None = None
        self._lock = threading.Lock()

    def token(self, org: str | None) -> Token | None:
        """A token for an organisation (for None: of any installation); None where the App is not installed.

        Raises NoToken where GitHub refuses the App, and what `GitHub.get` raises where it does not answer.
        """
        seat = self._seat(org)
        now = self._timer.monotonic()
        usable = seat.token(now)
        if usable is not None and seat.minted is not None and now < seat.minted.renew_at:
            return usable
        if not seat.lock.acquire(blocking=usable is None):
            return usable
        try:
            return self._fresh(org, seat)
        finally:
            seat.lock.release()

    def renew(self, org: str | None, refused: Token) -> Token | None:
        """A token in place of one that was refused before its time; None where that cannot help."""
        seat = self._seat(org)
        with seat.lock:
            minted = seat.minted
            if minted is None or minted.token.key != refused.key:
                return None
            now = self._timer.monotonic()
            if minted.token != refused:
                return seat.token(now)
            # A second refusal right after says that it is not the token.
            if minted.replaces_refused and now - minted.at < _BELIEVED:
                return None
            return self._mint(org, seat, replaces_refused=True)

    def how_to_install(self, org: str | None) -> str:
        """What is missing, and where it is done."""
        if self._page is None:
            with suppress(errors.GitHubError):
                self._page = self._rest.get("/app").payload.get("html_url")
        where = f"in organisation {org}" if org else "anywhere"
        page = f"at {self._page}/installations/new" if self._page else "on the App's page, if this is its id"
        return f"GITHUB_APP_ID: App {self._app.app_id} is not installed {where}: install it {page}"

    def _seat(self, org: str | None) -> _Seat:
        with self._lock:
            return self._seats.setdefault((org or "").lower(), _Seat())

    def _fresh(self, org: str | None, seat: _Seat) -> Token | None:
        now = self._timer.monotonic()
        usable = seat.token(now)
        if usable is not None and seat.minted is not None and now < seat.minted.renew_at:
            return usable
        if now < seat.absent_until:
            return None
        try:
            return self._mint(org, seat, replaces_refused=False)
        except _TRANSIENT as problem:
            if usable is None or seat.minted is None:
                raise
            log.warning("no new token of the GitHub App yet, the present one is still good: %s", problem)
            seat.minted.renew_at = now + _PATIENCE
            return usable

    def _mint(self, org: str | None, seat: _Seat, *, replaces_refused: bool) -> Token | None:
        if seat.installation is None:
            seat.installation = self._find(org)
        answer = None
        if seat.installation is not None:
            path = f"/app/installations/{seat.installation}/access_tokens"
            answer = self._asked(lambda: self._rest.post(path), org)
        if answer is None:
            seat.installation, seat.minted = None, None
            seat.absent_until = self._timer.monotonic() + _BELIEVED
            return None
        value = answer.payload["token"]
        remember_secret(value)
        now, left = self._timer.monotonic(), _lifetime(answer)
        seat.minted = _Minted(
            Token(value, f"{errors.INSTALLATION}{seat.installation}"),
            at=now,
            renew_at=now + max(left - RENEWED_BEFORE, left / 2),
            ends_at=now + max(left - _LAST_USE, left / 2),
            replaces_refused=replaces_refused,
        )
        return seat.minted.token

    def _find(self, org: str | None) -> int | None:
        if org:
            answer = self._asked(lambda: self._rest.get(f"/orgs/{org}/installation"), org)
            return int(answer.payload["id"]) if answer else None
        answer = self._asked(lambda: self._rest.get("/app/installations", {"per_page": 100}), org)
        active = [found["id"] for found in (answer.payload if answer else []) if not found.get("suspended_at")]
        return min(active, default=None)

    def _asked(self, ask: Callable[[], Answer], org: str | None) -> Answer | None:
        """An answer; None where it is not there. Raises NoToken for refusals, which name the settings."""
        problem = ""
        try:
            return ask()
        except (errors.NotFound, errors.Gone):
            return None
        except errors.Unauthorized as refused:
            problem = (
                f"GITHUB_APP_PRIVATE_KEY: GitHub refused the signature of App {self._app.app_id} ({_said(refused)}): "
                "check that GITHUB_APP_ID is the App of this key, that the key was not deleted there, and the clock"
            )
        except errors.Forbidden as refused:
            problem = (
                f"GITHUB_APP_ID: App {self._app.app_id} gets no token for {org or 'any organisation'} "
                f"({_said(refused)}): an owner must unsuspend it in the organisation's settings, under GitHub Apps"
            )
        raise NoToken(problem)


class AppTokens:
    """Every kind of token: one set for the organisation, else the App's there, else the one for everything."""

    def __init__(self, static: StaticTokens, installations: Installations) -> None:
        self._static = static
        self._installations = installations

    def token(self, org: str | None) -> Token:
        own = self._static.named(org) or (self._static.default if org is None else None)
        found = own or self._installations.token(org) or self._static.default
        if found is None:
            raise NoToken(f"{self._installations.how_to_install(org)}, or set GITHUB_TOKENS or GITHUB_TOKEN")
        return found

    def renew(self, org: str | None, refused: Token, answer: Answer | None) -> Token | None:
        return self._installations.renew(org, refused)


def _lifetime(answer: Answer) -> float:
    """Seconds the token lives from now on, by the server's clock where it tells it."""
    payload: Any = answer.payload
    try:
        ends = datetime.fromisoformat(str(payload.get("expires_at")))
    except ValueError:
        return LIFETIME
    left = (ends - (http_date(answer.headers.get("date")) or datetime.now(UTC))).total_seconds()
    return left if 0 < left <= 2 * LIFETIME else LIFETIME


def _said(error: errors.GitHubError) -> str:
    payload = error.answer.payload if error.answer else None
    status = error.answer.status if error.answer else "no answer"
    return f"{status} {payload.get('message', '')}".strip() if isinstance(payload, dict) else str(status)
