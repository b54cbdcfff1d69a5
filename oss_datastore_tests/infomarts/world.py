"""A vault made by hand: what was seen on which day goes in, tables in the vault's shapes come out.

A test says who and what exists and what each day's fetch saw; versions and their ends are worked out here in the
simplest way there is (all days in order), so that the marts are tested against the definition of the vault and not
against the code that loads it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from oss_datastore.catalogue import TABLES
from oss_datastore.catalogue.hashing import hash_diff, hash_key

HOST = "github.com"
FAR = datetime(9999, 12, 31)  # noqa: DTZ001 - as in tables: UTC without a zone

_TYPES = {
    "text": "varchar",
    "bigint": "bigint",
    "boolean": "boolean",
    "decimal": "decimal(38,6)",
    "timestamp": "timestamp",
    "date": "date",
    "key": "uuid",
}
_KEY, _TEXT, _INTEGER, _TIME = "uuid", "varchar", "bigint", "timestamp"

HUBS = {
    "hub_org": ("org_hk", {"org_id": _INTEGER}),
    "hub_repo": ("repo_hk", {"repo_id": _INTEGER}),
    "hub_user": ("user_hk", {"user_id": _INTEGER}),
    "hub_team": ("team_hk", {"team_id": _INTEGER}),
    "hub_issue": ("issue_hk", {"issue_id": _INTEGER}),
    "hub_pull_request": ("pull_request_hk", {"pull_request_id": _INTEGER}),
    "hub_advisory": ("advisory_hk", {"ghsa_id": _TEXT}),
    "hub_commit": ("commit_hk", {"sha": _TEXT}),
    "hub_release": ("release_hk", {"release_id": _INTEGER}),
    "hub_release_asset": ("release_asset_hk", {"asset_id": _INTEGER}),
}
LINKS = {
    "link_org_repo": {"org_hk": _KEY, "repo_hk": _KEY},
    "link_org_user": {"org_hk": _KEY, "user_hk": _KEY},
    "link_org_user_outside": {"org_hk": _KEY, "user_hk": _KEY},
    "link_org_team": {"org_hk": _KEY, "team_hk": _KEY},
    "link_team_user": {"team_hk": _KEY, "user_hk": _KEY},
    "link_repo_team": {"repo_hk": _KEY, "team_hk": _KEY},
    "link_repo_user": {"repo_hk": _KEY, "user_hk": _KEY},
    "link_repo_issue": {"repo_hk": _KEY, "issue_hk": _KEY},
    "link_issue_author": {"issue_hk": _KEY, "author_hk": _KEY},
    "link_issue_assignee": {"issue_hk": _KEY, "assignee_hk": _KEY},
    "link_repo_pull_request": {"repo_hk": _KEY, "pull_request_hk": _KEY},
    "link_pull_request_author": {"pull_request_hk": _KEY, "author_hk": _KEY},
    "link_pull_request_merged_by": {"pull_request_hk": _KEY, "merged_by_hk": _KEY},
    "link_pull_request_reviewer": {"pull_request_hk": _KEY, "reviewer_hk": _KEY},
    "link_pull_request_team": {"pull_request_hk": _KEY, "team_hk": _KEY},
    "link_pull_request_review": {"pull_request_hk": _KEY, "repo_hk": _KEY, "reviewer_hk": _KEY, "review_id": _INTEGER},
    "link_repo_advisory_alert": {"repo_hk": _KEY, "advisory_hk": _KEY, "alert_number": _INTEGER},
    "link_repo_commit": {"repo_hk": _KEY, "commit_hk": _KEY},
    "link_commit_author": {"commit_hk": _KEY, "author_hk": _KEY},
    "link_repo_release": {"repo_hk": _KEY, "release_hk": _KEY},
    "link_release_asset": {"release_hk": _KEY, "release_asset_hk": _KEY},
    "link_repo_user_stargazer": {"repo_hk": _KEY, "user_hk": _KEY},
    "link_repo_branch_rule": {"repo_hk": _KEY, "branch_rule_id": _TEXT},
    "link_repo_ruleset": {"repo_hk": _KEY, "ruleset_id": _INTEGER},
    "link_repo_code_scanning_alert": {"repo_hk": _KEY, "alert_number": _INTEGER},
    "link_repo_secret_scanning_alert": {"repo_hk": _KEY, "alert_number": _INTEGER},
    "nh_link_issue_comment": {
        "repo_hk": _KEY,
        "author_hk": _KEY,
        "comment_id": _INTEGER,
        "issue_number": _INTEGER,
        "is_on_pull_request": "boolean",
        "created_at": _TIME,
    },
    "nh_link_issue_event": {
        "repo_hk": _KEY,
        "actor_hk": _KEY,
        "event_id": _INTEGER,
        "issue_number": _INTEGER,
        "event": _TEXT,
        "requested_reviewer_id": _INTEGER,
        "created_at": _TIME,
    },
}
_PARENTS = {
    "sat_org": "org_hk",
    "sat_org_counter": "org_hk",
    "sat_repo": "repo_hk",
    "sat_repo_counter": "repo_hk",
    "sat_repo_activity": "repo_hk",
    "sat_user": "user_hk",
    "sat_user_pii": "user_hk",
    "sat_team": "team_hk",
    "sat_issue": "issue_hk",
    "sat_issue_text": "issue_hk",
    "sat_pull_request": "pull_request_hk",
    "sat_pull_request_text": "pull_request_hk",
    "sat_advisory": "advisory_hk",
    "sat_repo_traffic_views_window": "repo_hk",
    "sat_repo_traffic_clones_window": "repo_hk",
    "sat_org_user": "link_org_user_hk",
    "sat_team_user": "link_team_user_hk",
    "sat_repo_team": "link_repo_team_hk",
    "sat_repo_user": "link_repo_user_hk",
    "sat_repo_advisory_alert": "link_repo_advisory_alert_hk",
    "sat_repo_code_scanning_alert": "link_repo_code_scanning_alert_hk",
    "sat_repo_secret_scanning_alert": "link_repo_secret_scanning_alert_hk",
    "sat_repo_security_settings": "repo_hk",
    "sat_repo_policy": "repo_hk",
    "sat_repo_ruleset": "link_repo_ruleset_hk",
    "sat_commit": "commit_hk",
    "sat_release": "release_hk",
    "sat_release_asset": "release_asset_hk",
    "sat_release_asset_counter": "release_asset_hk",
    "ref_repository_directory": "ref_repository_directory_hk",
    "ref_people_directory": "ref_people_directory_hk",
    "ref_access_decision": "ref_access_decision_hk",
    "sat_pull_request_review": "link_pull_request_review_hk",
    "ma_sat_repo_traffic_views": "repo_hk",
    "ma_sat_repo_traffic_clones": "repo_hk",
    "ma_sat_repo_traffic_referrers": "repo_hk",
    "ma_sat_repo_traffic_paths": "repo_hk",
    "ma_sat_repo_user_source": "link_repo_user_hk",
    "ma_sat_repo_star_history": "ma_sat_repo_star_history_hk",
}
EFFECTIVITIES = {
    f"eff_sat_{name.removeprefix('link_')}": f"{name}_hk"
    for name in (
        "link_org_repo",
        "link_org_user",
        "link_org_user_outside",
        "link_org_team",
        "link_team_user",
        "link_repo_team",
        "link_repo_user",
        "link_issue_assignee",
        "link_pull_request_reviewer",
        "link_pull_request_team",
        "link_repo_user_stargazer",
        "link_repo_release",
        "link_release_asset",
        "link_repo_branch_rule",
        "link_repo_ruleset",
    )
}
_PERSONAL = ("sat_user_pii", "ref_people_directory", "ref_access_decision")
_FURTHER = {
    "ma_sat_repo_star_history": {"repo_hk": _KEY},
    "ref_repository_directory": {"repository_key": _TEXT},
    "ref_people_directory": {"login_key": _TEXT, "valid_from": "date"},
    "ref_access_decision": {"login_key": _TEXT, "repository_key": _TEXT, "decided_on": "date"},
}
"""Columns that tell one entry from another and are not hashed."""
_COMPUTED = {
    "business_vault.bsat_user_affiliation": {
        "user_hk": _KEY,
        "load_date": _TIME,
        "load_end_date": _TIME,
        "kind": _TEXT,
        "basis": _TEXT,
    },
    "business_vault.bridge_repo_user_access": {
        "repo_hk": _KEY,
        "user_hk": _KEY,
        "as_of": _TIME,
        "role_name": _TEXT,
        "listed_role_name": _TEXT,
        "team_role_name": _TEXT,
        "teams_count": _INTEGER,
        "is_organization_owner": "boolean",
    },
    "business_vault.bridge_org_team_user_repo": {
        "team_hk": _KEY,
        "user_hk": _KEY,
        "repo_hk": _KEY,
        "as_of": _TIME,
        "role_name": _TEXT,
    },
    "metrics_vault.mv_api": {
        "load_date": _TIME,
        "dataset": _TEXT,
        "host": _TEXT,
        "scopes": _INTEGER,
        "requests": _INTEGER,
        "points": _INTEGER,
    },
}
_LEDGER = {
    "host": _TEXT,
    "dataset": _TEXT,
    "scope": _TEXT,
    "load_date": _TIME,
    "state": _TEXT,
    "coverage": _TEXT,
    "visibility": _TEXT,
    "rows": _INTEGER,
    "requests": _INTEGER,
    "points": _INTEGER,
    "generation": _TEXT,
    "fetched_at": _TIME,
    "covered_by": "date",
    "letter": _INTEGER,
    "detail": _TEXT,
}


def _satellite_columns(name: str) -> dict[str, str]:
    declared = next(t for t in TABLES.values() if name in t.hash_diffs)
    hashed = {c: _TYPES[declared.column(c).type] for c in declared.hash_diffs[name]}
    return {**_FURTHER.get(name, {}), **hashed}


def _schema(name: str) -> str:
    return "raw_vault_pii" if name in _PERSONAL else "raw_vault"


@cache
def shapes() -> dict[str, dict[str, str]]:
    """Columns and types of every table a mart reads, by `schema.table`."""
    origin = {"load_date": _TIME, "rec_src": _TEXT}
    version = {"load_date": _TIME, "load_end_date": _TIME, "hash_diff": _KEY, "rec_src": _TEXT}
    tables: dict[str, dict[str, str]] = {"psa.fetch_ledger": _LEDGER, **_COMPUTED}
    for name, (key, business) in HUBS.items():
        tables[f"raw_vault.{name}"] = {key: _KEY, "host": _TEXT, **business, **origin}
    for name, columns in LINKS.items():
        tables[f"raw_vault.{name}"] = {f"{name}_hk": _KEY, **columns, **origin}
    for name, parent in _PARENTS.items():
        tables[f"{_schema(name)}.{name}"] = {parent: _KEY, **version, **_satellite_columns(name)}
    for name, parent in EFFECTIVITIES.items():
        tables[f"raw_vault.{name}"] = {parent: _KEY, **version, "is_active": "boolean"}
    return tables


def moment(*parts: int) -> datetime:
    """A moment as tables hold it: UTC without a zone."""
    return datetime(*parts)  # type: ignore[arg-type] # noqa: DTZ001


def midnight(day: date) -> datetime:
    """The load date of a day."""
    return datetime.combine(day, time())


def key(*parts: object) -> str:
    """The hash key of these business keys on our host."""
    plain = hash_key(HOST, parts)
    assert plain is not None
    return str(uuid.UUID(plain))


def scope(kind: str, number: int) -> str:
    """The ledger's name of a scope."""
    return f"{HOST}/{kind}/{number}"


@dataclass
class World:
    """What was observed. Every method takes the day on which a fetch saw it."""

    observed: dict[tuple[str, str], dict[datetime, list[dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    plain: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))
    ledger: dict[tuple[str, str, datetime], dict[str, Any]] = field(default_factory=dict)

    def fetched(
        self,
        day: date,
        dataset: str,
        scope: str,
        state: str = "complete",
        coverage: str = "full",
        *,
        fetched_at: datetime | None = None,
        covered_by: date | None = None,
        rows: int = 0,
    ) -> None:
        """A line of the ledger; fetched at ten past midnight of the following day unless said otherwise."""
        self.ledger[dataset, scope, midnight(day)] = {
            "host": HOST,
            "dataset": dataset,
            "scope": scope,
            "load_date": midnight(day),
            "state": state,
            "coverage": coverage if state == "complete" else None,
            "rows": rows,
            "requests": 1,
            "points": 0,
            "fetched_at": fetched_at
            or (midnight(day) + timedelta(days=1, minutes=10) if state in ("complete", "partial") else None),
            "covered_by": covered_by,
        }

    def hub(self, day: date, name: str, business_key: Any) -> str:
        """A hub row, first seen on the day; its hash key."""
        column, business = HUBS[name]
        hk = key(business_key)
        self._first(f"raw_vault.{name}", hk, day, {column: hk, "host": HOST, next(iter(business)): business_key})
        return hk

    def link(self, day: date, name: str, parts: tuple[Any, ...], /, **columns: Any) -> str:
        """A link row, first seen on the day; its hash key."""
        hk = key(name, *parts)
        self._first(f"raw_vault.{name}", hk, day, {f"{name}_hk": hk, **columns})
        return hk

    def _first(self, table: str, hk: str, day: date, row: Mapping[str, Any]) -> None:
        known = self.plain[table].get(hk)
        if known is None or known["load_date"] > midnight(day):
            self.plain[table][hk] = {**row, "load_date": midnight(day), "rec_src": "world"}

    def satellite(self, day: date, name: str, hk: str, /, **attributes: Any) -> None:
        """The attributes of a key as seen on the day."""
        columns = _satellite_columns(name)
        unknown = set(attributes) - set(columns)
        assert not unknown, f"{name} has no {unknown}"
        self.observed[f"{_schema(name)}.{name}", hk][midnight(day)] = [{c: attributes.get(c) for c in columns}]

    def block(self, day: date, name: str, hk: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """All rows of a key in a multi-active satellite as seen on the day; an empty block ends the one before."""
        self.observed[f"raw_vault.{name}", hk][midnight(day)] = [dict(row) for row in rows]

    def effective(self, day: date, link_name: str, hk: str, active: bool = True) -> None:
        """A relation was seen on the day, or a complete list was seen without it."""
        name = f"raw_vault.eff_sat_{link_name.removeprefix('link_')}"
        self.observed[name, hk][midnight(day)] = [{"is_active": active}]

    def affiliation(self, day: date, user_id: int, kind: str, basis: str, *, until: date | None = None) -> None:
        """What somebody was to us from a day on, as the business vault says."""
        row = {"user_hk": key(user_id), "kind": kind, "basis": basis, "load_date": midnight(day)}
        row["load_end_date"] = midnight(until) if until else FAR
        self.plain["business_vault.bsat_user_affiliation"][f"{user_id}/{day}"] = row

    def access(self, day: date, repo_id: int, user_id: int, role: str, **more: Any) -> None:
        """The access somebody had on a kept day, as the business vault says."""
        row = {"repo_hk": key(repo_id), "user_hk": key(user_id), "as_of": midnight(day), "role_name": role}
        row |= {"listed_role_name": role, "teams_count": 0, "is_organization_owner": False, **more}
        self.plain["business_vault.bridge_repo_user_access"][f"{repo_id}/{user_id}/{day}"] = row

    def team_access(self, day: date, team_id: int, repo_id: int, user_id: int, role: str) -> None:
        """The access a team gave somebody on a kept day, as the business vault says."""
        row = {"team_hk": key(team_id), "repo_hk": key(repo_id), "user_hk": key(user_id), "as_of": midnight(day)}
        self.plain["business_vault.bridge_org_team_user_repo"][f"{team_id}/{repo_id}/{user_id}/{day}"] = {
            **row,
            "role_name": role,
        }

    def cost(self, day: date, dataset: str, requests: int, points: int = 0, scopes: int = 1) -> None:
        """What a dataset cost on a day, as the metrics vault says."""
        row = {"load_date": midnight(day), "dataset": dataset, "host": HOST, "scopes": scopes}
        self.plain["metrics_vault.mv_api"][f"{dataset}/{day}"] = {**row, "requests": requests, "points": points}

    def until(self, last: date) -> World:
        """What was known at the close of a day."""
        known = World()
        for name, seen in self.observed.items():
            kept = {day: rows for day, rows in seen.items() if day <= midnight(last)}
            if kept:
                known.observed[name] = kept
        for table, entries in self.plain.items():
            known.plain[table] = {
                name: row for name, row in entries.items() if row.get("load_date", row.get("as_of")) <= midnight(last)
            }
        known.ledger = {name: line for name, line in self.ledger.items() if line["load_date"] <= midnight(last)}
        return known

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every table with its rows."""
        result: dict[str, list[dict[str, Any]]] = {name: [] for name in shapes()}
        result["psa.fetch_ledger"] = list(self.ledger.values())
        for name, rows in self.plain.items():
            result[name] = list(rows.values())
        for (name, hk), days in self.observed.items():
            result[name].extend(_versions(next(iter(shapes()[name])), hk, days))
        return result


def _versions(parent: str, hk: str, days: Mapping[datetime, list[dict[str, Any]]]) -> Iterable[dict[str, Any]]:
    kept: list[tuple[datetime, list[dict[str, Any]]]] = []
    for day in sorted(days):
        before = kept[-1][1] if kept else None
        if days[day] != before and not (before is None and days[day] == [{"is_active": False}]):
            kept.append((day, days[day]))
    ends = [day for day, _ in kept[1:]] + [FAR]
    for (day, rows), end in zip(kept, ends, strict=True):
        for row in rows:
            diff = str(uuid.UUID(hash_diff(row.items())))
            yield {parent: hk, "load_date": day, "load_end_date": end, "hash_diff": diff, "rec_src": "world", **row}
