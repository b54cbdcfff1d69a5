"""From a path to an endpoint, by names or by GitHub's numeric aliases, and back to the alias for links."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from oss_datastore.simulator.v3 import (
    of_administration,
    of_apps,
    of_code,
    of_feed,
    of_orgs,
    of_repositories,
    of_search,
    of_security,
    of_shelf,
)
from oss_datastore.simulator.v3.call import Route, not_found
from oss_datastore.simulator.world import World
from oss_datastore.simulator.world.repositories import Repository

ROUTES: tuple[Route, ...] = (
    *of_orgs.ROUTES,
    *of_administration.ROUTES,
    *of_apps.ROUTES,
    *of_repositories.ROUTES,
    *of_code.ROUTES,
    *of_shelf.ROUTES,
    *of_security.ROUTES,
    *of_feed.ROUTES,
    *of_search.ROUTES,
)


@dataclass(frozen=True)
class Moved:
    """A path under a repository's former name; `path` is where it is now."""

    path: str


@dataclass(frozen=True)
class Found:
    """An endpoint, the values of its template, the path by ids, the path by present names, and the repository."""

    route: Route
    values: dict[str, str]
    alias: str
    canonical: str
    repository: Repository | None


def _compile() -> dict[int, list[tuple[tuple[str, ...], Route]]]:
    table: dict[int, list[tuple[tuple[str, ...], Route]]] = defaultdict(list)
    for route in ROUTES:
        parts = tuple(route.template.strip("/").split("/"))
        table[len(parts)].append((parts, route))
    for routes in table.values():
        # Fixed words first: issues/comments is no issue of that number.
        routes.sort(key=lambda entry: sum(part.startswith("{") for part in entry[0]))
    return table


TABLE = _compile()


def _named(parts: list[str], world: World, now: int) -> list[str]:
    """The path in names, where it came in ids. Raises what is answered to unknown ones."""
    if len(parts) >= 2 and parts[0] == "repositories" and parts[1].isdigit():
        repository = world.repository_by_id(int(parts[1]), now)
        if repository is None:
            raise not_found()
        return ["repos", repository.org.login, repository.name(now), *parts[2:]]
    if len(parts) >= 2 and parts[0] == "organizations" and parts[1].isdigit():
        org = world.org_by_id(int(parts[1]))
        if org is None:
            raise not_found()
        if len(parts) >= 4 and parts[2] == "team" and parts[3].isdigit():
            team = next((team for team in org.teams_at(now) if team.id == int(parts[3])), None)
            if team is None:
                raise not_found()
            return ["orgs", org.login, "teams", team.slug, *parts[4:]]
        return ["orgs", org.login, *parts[2:]]
    if len(parts) == 2 and parts[0] == "user" and parts[1].isdigit():
        person = world.user_by_id(int(parts[1]))
        if person is None:
            raise not_found()
        return ["users", world.present(person, now).login]
    return parts


def find(path: str, world: World, now: int, method: str = "GET") -> Found | Moved:
    """The endpoint of a path. Raises Refused for what is not there (a trailing slash included)."""
    parts = _named(path[1:].split("/"), world, now)
    repository: Repository | None = None
    if parts[0] == "repos" and len(parts) >= 3:
        org = world.org(parts[1])
        repository = org.repository(parts[2], now) if org else None
        if repository is not None and (repository.org is not org or parts[2].lower() != repository.name(now).lower()):
            return Moved("/".join(["", "repositories", str(repository.id), *parts[3:]]))
    for template, route in TABLE.get(len(parts), ()):
        if route.method != method:
            continue
        values = {}
        for part, given in zip(template, parts, strict=True):
            if part.startswith("{"):
                values[part[1:-1]] = given
            elif part != given:
                break
        else:
            return Found(route, values, _alias(parts, repository, world), "/" + "/".join(parts), repository)
    raise not_found()


def _alias(parts: list[str], repository: Repository | None, world: World) -> str:
    if repository is not None:
        return "/".join(["", "repositories", str(repository.id), *parts[3:]])
    org = world.org(parts[1]) if parts[0] == "orgs" and len(parts) >= 2 else None
    if org is None:
        return "/" + "/".join(parts)
    if len(parts) >= 4 and parts[2] == "teams":
        team = next((team for team in org.teams if team.slug == parts[3]), None)
        if team is not None:
            return "/".join(["", "organizations", str(org.id), "team", str(team.id), *parts[4:]])
    return "/".join(["", "organizations", str(org.id), *parts[2:]])
