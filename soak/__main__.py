"""`python -m soak [names]`: runs campaigns one after the other; exit code 1 if a promise is broken."""

from __future__ import annotations

import argparse
import os
import sys

from soak.calm import Calm
from soak.campaigns import CAMPAIGNS
from soak.trial import Outcome, Trial


def main(arguments: list[str] | None = None) -> int:
    """Prints what each campaign came to; 1 when rows were lost or invented, or a scope is unaccounted for."""
    asked = argparse.ArgumentParser(prog="python -m soak", description="Fault campaigns against the simulator.")
    asked.add_argument("names", nargs="*", metavar="name", help=f"some of {', '.join(CAMPAIGNS)} (default: all)")
    asked.add_argument("--requests", type=int, default=5_000, help="at least so many in each (default 5,000)")
    asked.add_argument("--repositories", type=int, default=12, help="of the organisation (default 12)")
    asked.add_argument("--outage", type=float, default=60.0, help="seconds without PostgreSQL (default 60)")
    asked.add_argument("--kills", type=int, default=50, help="processes killed (default 50)")
    asked.add_argument("--quick", action="store_true", help="some hundred requests of a small organisation")
    wanted = asked.parse_args(arguments)
    unknown = set(wanted.names) - CAMPAIGNS.keys()
    if unknown:
        asked.error(f"unknown campaigns {', '.join(sorted(unknown))}: expected some of {', '.join(CAMPAIGNS)}")
    if wanted.quick:
        wanted.requests, wanted.repositories, wanted.outage, wanted.kills = 150, 2, 2.0, 2
        wanted.names = wanted.names or ["server_errors"]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)
    broken = False
    with Calm(wanted.repositories) as calm:
        for name in wanted.names or CAMPAIGNS:
            outcome = Trial(CAMPAIGNS[name], calm, wanted.requests, wanted.outage, wanted.kills).run()
            print(_line(name, outcome), flush=True)
            for what in outcome.broken:
                print(f"  BROKEN: {what}", flush=True)
            broken |= bool(outcome.broken)
    return int(broken)


def _line(name: str, outcome: Outcome) -> str:
    late = outcome.late
    struck = ", ".join(f"{kind} {count:,}" for kind, count in sorted(outcome.struck.items()))
    return (
        f"{name}: {outcome.requests:,} requests, {outcome.s3_requests:,} to S3, {outcome.days} days; struck: {struck}\n"
        f"  {outcome.letters:,} letters, {outcome.retried:,} retried, {outcome.stopped:,} answer sets broke off, "
        f"{outcome.ticks:,} ticks more, "
        f"{outcome.rows:,} rows; lost {outcome.lost}, invented {outcome.invented}, "
        f"unaccounted {outcome.unaccounted}; {outcome.wall:.0f} s, {outcome.cpu:.0f} s of CPU\n"
        f"  retried a day too late: {late.lost:,} rows missing: {late.unavailable:,} of the {late.scopes:,} scopes "
        f"that the ledger calls unavailable, {late.unlisted:,} of scopes that only their lists would have named, "
        f"{late.accounts:,} accounts seen only there, {late.partial:,} of partial scopes, {late.moments:,} totals of "
        f"a moment, {late.known:,} known before; not so explained: {len(late.broken):,}"
    )


if __name__ == "__main__":
    sys.exit(main())
