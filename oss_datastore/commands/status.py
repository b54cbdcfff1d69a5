"""`status`: what is whole, what is missing and until when it can be had, read at a glance."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import timedelta

import click

from oss_datastore.catalogue import DATASETS
from oss_datastore.commands.output import as_json, console, table
from oss_datastore.completeness import LOOK_BACK_DAYS, day_state
from oss_datastore.connections import open_queue, open_store
from oss_datastore.dead_letters import PostgresUnavailable, QueueError
from oss_datastore.settings import Settings
from oss_datastore.staging.days import recoverable_until
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.planner import Cost
from oss_datastore.staging.plans import last_plan, next_moment, spent_since, waiting


@click.command(short_help="What is whole, what is missing, what will be lost when.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def status(wants_json: bool) -> None:
    """Shows the last fourteen days: planned scopes by state, what is missing, and the dead letters."""
    settings = Settings.load()
    staging = Staging(open_store(settings))
    last = settings.clock.last_closed_day()
    states = [day_state(staging, last - timedelta(days=n), settings.datasets) for n in range(LOOK_BACK_DAYS)]
    try:
        counts = open_queue(settings).counts()
        letters = {state: sum(kinds.values()) for state, kinds in counts.items()}
        kinds = Counter({f"{d}: {kind}": count for (d, kind), count in counts["open"].items()})
        trouble = None
    except (QueueError, PostgresUnavailable) as why:
        letters, kinds, trouble = {}, Counter(), str(why)
    plan = last_plan(staging.store, last)
    spent = spent_since(staging, last, plan.made) if plan else Cost()
    waits = waiting(entry for state in states for entry in state.missing)
    next_at = next_moment(plan, settings.clock.now()) if waits else None
    if wants_json:
        as_json(
            {
                "home": str(settings.home_path),
                "last_closed_day": last.isoformat(),
                "days": [state.as_dict() for state in states],
                "plan": {**plan.as_dict(), "line": plan.line, "spent": asdict(spent)} if plan else None,
                "waiting": [one.as_dict() for one in waits],
                "asked_again_from": next_at.isoformat() if next_at else None,
                "letters": letters,
                "queue": trouble or "reachable",
            }
        )
        return
    rows = []
    for state in states:
        left = Counter(entry.state.value for entry in state.missing)
        what = "whole" if state.is_whole else "never fetched" if not state.is_staged else "not whole"
        told = ", ".join(f"{n} {s}" for s, n in sorted(left.items()))
        rows.append((state.day, what, sum(state.states.values()), told))
    table(("day", "state", "scopes", "not whole"), rows)
    if plan:
        console.print(f"\nplan of {plan.made_at:%Y-%m-%d %H:%M} UTC, {plan.line}", markup=False)
        console.print(f"spent since: {spent.requests:,} requests and {spent.points:,} points", markup=False)
    if waits:
        when = f", asked again from {next_at:%Y-%m-%d %H:%M} UTC on" if next_at else ""
        console.print(f"\npending{when}; what is lost first on top:", style="bold", markup=False)
        table(
            ("day", "dataset", "scopes", "can be had", "why"),
            [
                (
                    one.day,
                    one.dataset,
                    one.scopes,
                    f"until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else "",
                    one.why,
                )
                for one in waits
            ],
        )
    missing = [entry for state in states for entry in state.missing]
    if missing:
        now = settings.clock.now()
        console.print("\nmissing, what is lost first on top:", style="bold")
        found = []
        for entry in missing:
            until = recoverable_until(DATASETS[entry.dataset].addressable, entry.day)
            when = "at any time" if until is None else "lost" if until <= now else f"until {until:%Y-%m-%d %H:%M} UTC"
            order = (until is None, until or now, entry.day)
            found.append((order, (entry.day, entry.dataset, entry.scope, entry.state.value, when, entry.letter)))
        table(("day", "dataset", "scope", "state", "can be had", "letter"), [row for _, row in sorted(found)[:40]])
        if len(found) > 40:
            click.echo(f"and {len(found) - 40} more")
    console.print()
    if trouble:
        console.print(f"dead letter queue: {trouble}", markup=False)
    else:
        told = ", ".join(f"{count} {state}" for state, count in letters.items() if count) or "empty"
        console.print(f"dead letter queue: {told}", markup=False)
        for kind, count in kinds.most_common(10):
            console.print(f"  {count:>5} {kind}", markup=False)
