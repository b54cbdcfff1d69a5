"""Lists about access: who got it, who has most of it, what changed, and what nobody can know."""

from __future__ import annotations

from datetime import date, timedelta

from oss_datastore.report.frames import WEEK, as_date, dates, holds
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Audience, Seen
from oss_datastore.report.who_may import leavers, new_access, new_admins
from oss_datastore.report.words import short_day, unless_all


def people(seen: Seen, now: date) -> list[Listing]:
    """Who got access, who has most of it, and for security who lacks a second factor."""
    access = seen.read("user_access_current")
    access = access.assign(
        where=access["full_name"].where(access["full_name"].notna(), "organisation " + access["org_login"].fillna(""))
    )
    made = []
    fresh = new_access(seen, now)
    if not fresh.empty:
        fresh = access.loc[fresh.index].sort_values(["granted_on", "login", "where"])
        columns = {
            "login": "Person",
            "where": "On",
            "role": "Role",
            "team_paths": "By team",
            "direct_path": "Direct",
            "granted_on": "First seen",
        }
        since = short_day(now - WEEK + timedelta(days=1))
        note = f"Seen since {since} and not before. A grant taken back within a day is invisible."
        made.append(listing_of("new_access", "New access", fresh, columns, note))
    made += [listing for listing in (_admins(seen, now), _leavers(seen)) if listing is not None]
    powerful = access[access["repo_id"].isna() & (holds(access["is_owner"]) | holds(access["is_outside"]))]
    if not powerful.empty:
        columns = {
            "login": "Person",
            "org_login": "Organisation",
            "role": "Role",
            "first_seen_on": "Seen since",
            "data_state": "List",
        }
        frame = powerful.sort_values(["org_login", "role", "login"])
        made.append(
            listing_of(
                "owners",
                "Owners and outside collaborators",
                frame,
                columns,
                "Owners administer every repository.",
                is_open=False,
            )
        )
    if seen.audience is Audience.security and "two_factor_enabled" in access.columns:
        known = access["repo_id"].isna() & access["two_factor_enabled"].notna()
        off = access[known & ~holds(access["two_factor_enabled"])]
        unknown = int(access[access["repo_id"].isna()]["two_factor_enabled"].isna().sum())
        frame = off.sort_values(["org_login", "login"])
        columns = {"login": "Person", "org_login": "Organisation", "role": "Role"}
        note = f"{len(off)} without, {unknown} not known to the token."
        made.append(listing_of("two_factor", "Members without two-factor authentication", frame, columns, note))
    return made


def _admins(seen: Seen, now: date) -> Listing | None:
    found = new_admins(seen, now)
    if found.empty:
        return None
    where = found["full_name"].where(found["full_name"].notna(), "organisation " + found["org_login"])
    columns = {
        "login": "Person",
        "where": "On",
        "role_before": "Role before",
        "role_after": "Role now",
        "changed_on": "Seen on",
        "not_before": "After",
    }
    note = "Seven days. Owners administer each new repository as well and are not listed for it."
    return listing_of("new_admins", "New admins", found.assign(where=where), columns, note)


def _leavers(seen: Seen) -> Listing | None:
    found = leavers(seen)
    if found.empty:
        return None
    frame = found.assign(
        last=dates(found["last_seen_at"]),
        whole=unless_all(("whole" if there else "not whole" for there in holds(found["is_complete"])), "whole"),
    ).sort_values(["login", "full_name"])
    columns = {
        "login": "Person",
        "full_name": "On",
        "role": "Role",
        "team_role": "By team",
        "last": "Last visible activity",
        "decision": "Decided",
        "ticket": "Ticket",
        "whole": "List",
    }
    note = "Members no longer, or gone by the people directory. We see neither clones nor logins."
    return listing_of("leavers", "Leavers who still have access", frame, columns, note)


def changes(seen: Seen, now: date) -> Listing | None:
    """What was granted, revoked or changed in four weeks, and when the lists did not come."""
    audit = seen.read("user_access_changes")
    recent = audit[(audit["change"] != "found") & (audit["changed_on"].map(as_date) > now - timedelta(days=28))]
    if recent.empty:
        return None
    repositories = recent["full_name"].where(recent["full_name"].notna(), "organisation " + recent["org_login"])
    teams = ("team " + recent["team"].fillna("")).where(recent["team"].notna())
    frame = recent.assign(
        where=teams.where(recent["full_name"].isna() & recent["team"].notna(), repositories),
        who=recent["login"].where(recent["login"].notna(), teams),
        until=recent["unknown_until"],
    ).sort_values(["changed_on", "relation", "change", "login"], ascending=[False, True, True, True])
    columns = {
        "changed_on": "Seen on",
        "change": "Change",
        "who": "Who",
        "relation": "As",
        "where": "On",
        "role_before": "Role before",
        "role_after": "Role after",
        "not_before": "Not before",
        "until": "Unknown until",
        "data_state": "List",
    }
    note = "Four weeks. It happened after “not before”. Unknown: the list did not come whole, and nobody can say."
    return listing_of("access_changes", "What changed, and when nobody can know", frame, columns, note, is_open=False)
