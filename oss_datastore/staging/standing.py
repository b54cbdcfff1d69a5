"""What this token and this server are: the role in an organisation, and which APIs answer.

Asked once per run and organisation, since every list of people is worth only what the token may see.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oss_datastore.catalogue.parse import get
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.staging.ledger import Visibility

_ASKED_BEFORE_MISSING = 3
"""A whole run by REST knows less of everything: one stray refusal must not bring it about."""


@dataclass
class Standing:
    """Remembers what was found out of a server and its organisations."""

    github: GitHub
    first_organization: str
    _visible: dict[str, Visibility] = field(default_factory=dict)
    speaks_graphql: bool | None = None
    """Whether the server speaks GraphQL; None until it was asked."""

    def forget_unknown(self) -> None:
        """What could not be found out is asked again."""
        self._visible = {org: seen for org, seen in self._visible.items() if seen is not Visibility.unknown}

    def host_answers(self) -> bool:
        """Whether the host is there at all: one address that cannot be reached is a failure of its scope only."""
        try:
            self.github.get("/rate_limit", org=self.first_organization)
        except GitHubError as error:
            return error.kind != "unreachable"
        return True

    def has_graphql(self) -> bool:
        """Whether GraphQL answers; not every GitHub-compatible server speaks it. Raises what ends a run."""
        for _ in range(_ASKED_BEFORE_MISSING if self.speaks_graphql is None else 0):
            try:
                self.github.query("rate_limit", {}, org=self.first_organization)
                self.speaks_graphql = True
            except GitHubError as error:
                missing = error.kind in ("not_found", "method_not_allowed", "bad_request") or (
                    error.answer is not None and error.answer.status in (404, 405, 501)
                )
                if error.kind in ("unauthorized", "unreachable"):
                    raise
                self.speaks_graphql = not missing
            if self.speaks_graphql:
                break
        return bool(self.speaks_graphql)

    def visibility(self, org: str) -> Visibility:
        """What the token is in the organisation. Raises what ends a run."""
        if org not in self._visible:
            try:
                answer = self.github.get(f"/user/memberships/orgs/{org}", org=org)
                active = get(answer.payload, "state") in (None, "active")
                owner = get(answer.payload, "role") == "admin"
                self._visible[org] = (
                    Visibility.owner if owner and active else Visibility.member if active else Visibility.public
                )
            except GitHubError as error:
                if error.kind in ("unauthorized", "rate_limited"):
                    raise
                if error.kind == "unreachable" and not self.host_answers():
                    raise
                by_app = error.kind == "forbidden" and "integration" in str(error).lower()
                self._visible[org] = (
                    Visibility.app
                    if by_app
                    else Visibility.public
                    if error.kind in ("not_found", "forbidden")
                    else Visibility.unknown
                )
        return self._visible[org]
