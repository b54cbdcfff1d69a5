"""What the marts of conversations and people should say of recorded items, worked out from the raw JSON by pandas.

Nothing here reads psa, the vault or any SQL of ours: a definition is written a second time, in other words, so that
the same mistake would have to be made twice. Lists of members and collaborators were not recorded, so nobody is a
maintainer and every author who is no bot is of an unknown kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore_tests.recorded.devlake_world import Item, Repository

PROMISE = pd.Timedelta(days=2)
MIDNIGHT = pd.Timedelta(days=1)
SWITCHES = ("ready_for_review", "convert_to_draft", "converted_to_draft")
COUNTED_EVENTS = ("closed", "merged", "reopened", "review_requested", *SWITCHES)
DEEDS = ["repo", "number", "who", "at", "what", "detail"]


def moment(value: Any) -> pd.Timestamp:
    """A moment of GitHub as UTC without a zone, NaT where there is none."""
    return pd.to_datetime(value, utc=True).tz_localize(None) if value else pd.NaT


def who(account: Any) -> float:
    """The number of an account, NaN where GitHub names nobody."""
    return float(account["id"]) if account else float("nan")


@dataclass(frozen=True)
class Recorded:
    """Recorded items as frames: issues and pull requests, and everything done on them."""

    issues: pd.DataFrame
    pulls: pd.DataFrame
    deeds: pd.DataFrame
    bots: frozenset[int]

    @classmethod
    def of(cls, repositories: dict[str, Repository]) -> Recorded:
        """Frames of all repositories."""
        issues: list[dict[str, Any]] = []
        pulls: list[dict[str, Any]] = []
        deeds: list[tuple[Any, ...]] = []
        bots: set[int] = set()
        for name, repository in repositories.items():
            lists = {**repository.lists, "reviews": [r for some in repository.reviews.values() for r in some]}
            for items in lists.values():
                bots |= {int(a["id"]) for i in items for a in (i.get("user"), i.get("actor")) if a and _is_bot(a)}
            issues += [_item(name, i) for i in lists.get("issues", []) if "pull_request" not in i]
            pulls += [_item(name, p) for p in lists.get("pull_requests", [])]
            deeds += [
                (name, int(c["issue_url"].rpartition("/")[2]), who(c["user"]), moment(c["created_at"]), "comment", None)
                for c in lists.get("issue_comments", [])
            ]
            deeds += [
                (name, e["issue"]["number"], who(e["actor"]), moment(e["created_at"]), e["event"], None)
                for e in lists.get("issue_events", [])
            ]
            deeds += [
                (name, number, who(r["user"]), moment(r.get("submitted_at")), "review", r["state"])
                for number, reviews in repository.reviews.items()
                for r in reviews
            ]
        frame = pd.DataFrame(deeds, columns=DEEDS).drop_duplicates()
        once = ["repo", "number"]
        return cls(
            pd.DataFrame(issues).drop_duplicates(once),
            pd.DataFrame(pulls).drop_duplicates(once),
            frame,
            frozenset(bots),
        )

    def answers(self, items: pd.DataFrame, kinds: tuple[str, ...], begins: str) -> pd.Series:
        """When somebody who is neither the author nor a bot first did one of these, from a moment of the item on."""
        joined = self.deeds.merge(items, on=["repo", "number"])
        human = ~joined["who"].isin(self.bots) & ~(joined["who"].isna() & joined["author"].isna())
        counts = human & (joined["who"] != joined["author"]) & joined["what"].isin(kinds)
        return joined[counts & (joined["at"] >= joined[begins])].groupby(["repo", "number"])["at"].min()

    def answered(self, items: pd.DataFrame, kinds: tuple[str, ...], begins: str) -> pd.DataFrame:
        """Items with their first answer, its promise, and whether it was broken by `closes`."""
        found = items.join(self.answers(items, kinds, begins).rename("first_response_at"), on=["repo", "number"])
        found["due_at"] = found[begins].map(promised)
        lapsed = (
            found["first_response_at"].isna() & found["closed_at"].notna() & (found["closed_at"] <= found["due_at"])
        )
        found.loc[lapsed, "due_at"] = pd.NaT
        return found


def _is_bot(account: Item) -> bool:
    return account.get("type") == "Bot" or str(account.get("login", "")).endswith("[bot]")


def _item(name: str, item: Item) -> dict[str, Any]:
    closed = moment(item.get("closed_at"))
    state = "merged" if item.get("merged_at") else item["state"]
    times = {
        "created_at": moment(item.get("created_at")),
        "closed_at": closed,
        "merged_at": moment(item.get("merged_at")),
    }
    return {
        "repo": name,
        "number": item["number"],
        "id": item.get("id"),
        "author": who(item.get("user")),
        "state": state,
        "draft": bool(item.get("draft")),
        **times,
    }


def promised(begin: pd.Timestamp) -> pd.Timestamp:
    """Two business days later, walked day by day: Saturdays and Sundays are stepped over."""
    if pd.isna(begin):
        return pd.NaT
    now, left = begin, PROMISE
    while left > pd.Timedelta(0) or now.day_of_week >= 5:
        end = now.normalize() + MIDNIGHT
        if now.day_of_week < 5:
            step = min(left, end - now)
            now, left = now + step, left - step
        else:
            now = end
    return now


def business_time(begin: pd.Timestamp, end: pd.Timestamp) -> pd.Timedelta:
    """Time between two moments less what of it lies on Saturdays and Sundays, counted by the hour and its rest."""
    total, now = pd.Timedelta(0), begin
    while now < end:
        stop = min(end, now.normalize() + MIDNIGHT)
        total += stop - now if now.day_of_week < 5 else pd.Timedelta(0)
        now = stop
    return total


def issues_of(recorded: Recorded) -> pd.DataFrame:
    """Issues with their answers."""
    return recorded.answered(recorded.issues, ("comment", "closed"), "created_at")


def pulls_of(recorded: Recorded) -> pd.DataFrame:
    """Pull requests with the moment they were ready, and their answers since."""
    pulls = recorded.pulls.copy()
    switched = recorded.deeds[recorded.deeds["what"].isin(SWITCHES)].sort_values("at")
    # One switch each at most was recorded: to ready. It says that what came before was a draft.
    assert set(switched["what"]) <= {"ready_for_review"}
    assert not switched.duplicated(["repo", "number"]).any()
    ready = switched.set_index(["repo", "number"])["at"].rename("made_ready_at")
    pulls = pulls.join(ready, on=["repo", "number"])
    opened_ready = pulls["created_at"].where(~pulls["draft"])
    pulls["ready_at"] = pulls["made_ready_at"].fillna(opened_ready)
    return recorded.answered(pulls, ("comment", "review", "closed", "merged"), "ready_at")


def median(values: pd.Series) -> int | None:
    """The middle one, or the whole part of the mean of the middle two."""
    return None if values.empty else int(values.median() // 1)


def nearest_rank(values: pd.Series, share: float) -> int | None:
    """The smallest value that at least this share does not exceed."""
    ordered = sorted(values)
    return next((int(v) for n, v in enumerate(ordered, start=1) if n >= share * len(ordered)), None)


def daily(recorded: Recorded, items: pd.DataFrame, begins: str, touching: tuple[str, ...], day: date) -> dict[str, Any]:
    """The numbers of a day over these items of one repository."""
    start = pd.Timestamp(day)
    end = start + MIDNIGHT
    before = end - pd.Timedelta(days=90)
    opened = items["created_at"]
    still = items[(opened < end) & ~(items["closed_at"] < end)]
    today = {
        c: items[c].ge(start) & items[c].lt(end) for c in ("created_at", "closed_at", "first_response_at", "due_at")
    }
    answers = items[today["first_response_at"]]
    waited = (answers["first_response_at"] - answers[begins]).dt.total_seconds()
    worked = pd.Series(
        [
            business_time(b, e).total_seconds()
            for b, e in zip(answers[begins], answers["first_response_at"], strict=True)
        ],
        dtype=float,
    )
    human = recorded.deeds[~recorded.deeds["who"].isin(recorded.bots) & recorded.deeds["what"].isin(touching)]
    touched = human[human["at"].ge(start) & human["at"].lt(end)].merge(items[["repo", "number"]])
    began = items[today["created_at"] & ~items["author"].isin(recorded.bots)]
    active = {(r, n) for frame in (touched, began) for r, n in zip(frame["repo"], frame["number"], strict=True)}
    due = items[today["due_at"]]
    closed_before = int((items["closed_at"] < before).sum())
    return {
        "opened": int(today["created_at"].sum()),
        "opened_by_bots": int((today["created_at"] & items["author"].isin(recorded.bots)).sum()),
        "opened_by_unknown": int((today["created_at"] & ~items["author"].isin(recorded.bots)).sum()),
        "closed": int(today["closed_at"].sum()),
        "active": len(active),
        "open_at_close": len(still),
        **{
            f"open_over_{age}_days": int(((start - still["created_at"].dt.normalize()) > timedelta(days=age)).sum())
            for age in (30, 90, 365)
        },
        "closed_in_90_days": int((items["closed_at"].ge(before) & items["closed_at"].lt(end)).sum()),
        "to_close_in_90_days": int((opened < end).sum()) - closed_before,
        "first_responses": len(answers),
        "response_seconds_median": median(waited),
        "response_seconds_p90": nearest_rank(waited, 0.9),
        "response_business_seconds_median": median(worked),
        "response_business_seconds_p90": nearest_rank(worked, 0.9),
        "due": len(due),
        "due_met": int((due["first_response_at"] <= due["due_at"]).sum()),
    }


def people(recorded: Recorded, owner: str) -> pd.DataFrame:
    """What each person did first and last on the repositories of an owner, by number of the account."""
    parts = []
    for frame, column, kind in (
        (recorded.issues, "created_at", "conversation"),
        (recorded.pulls, "created_at", "pull_request"),
        (recorded.pulls, "merged_at", "merge"),
    ):
        parts.append(frame.rename(columns={"author": "who", column: "at"})[["repo", "who", "at"]].assign(kind=kind))
    kinds = {
        "comment": "conversation",
        "review": "review",
        "closed": "triage",
        "merged": "triage",
        "reopened": "triage",
    }
    done = recorded.deeds[recorded.deeds["what"].isin(kinds)]
    parts.append(done.assign(kind=done["what"].map(kinds))[["repo", "who", "at", "kind"]])
    deeds = pd.concat(parts).dropna(subset=["who", "at"])
    deeds = deeds[deeds["repo"].str.startswith(f"{owner}/") & ~deeds["who"].isin(recorded.bots)]
    came = deeds[deeds["kind"] != "triage"]
    first = came.groupby(["who", "kind"])["at"].min().unstack()
    merges = came[came["kind"] == "merge"].sort_values("at").groupby("who")["at"]
    return pd.DataFrame(
        {
            "first_seen_at": came.groupby("who")["at"].min(),
            "last_seen_at": deeds[deeds["kind"] != "merge"].groupby("who")["at"].max(),
            "first_conversation_at": first.get("conversation"),
            "first_pull_request_at": first.get("pull_request"),
            "first_merge_at": first.get("merge"),
            "first_review_at": first.get("review"),
            "second_merge_at": merges.apply(lambda at: at.iloc[1] if len(at) > 1 else pd.NaT),
            "merges_count": merges.size(),
            "repositories_count": came.groupby("who")["repo"].nunique(),
        }
    ).dropna(subset=["first_seen_at"])
