"""What a repository costs: requests and GraphQL points, dataset by dataset, as the ledger has them.

A hundred idle repositories are fetched for two days, and one of them for a third on which twenty issues and ten pull
requests were opened in it. On the second day an idle one may cost five requests (four of them traffic) and half a
point, what the organisation is asked for as a whole shared out among all. The busy one may cost eight requests; what
is asked once a week, and lists that are read whole, are counted apart. GitHub and psa.fetch_ledger must tell the same
sums.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from benchmarks.github import FIRST, ORG, SECOND, Heard, after, fetch_day, fetching, ledger, simulated
from benchmarks.measure import show, took
from oss_datastore.catalogue import ANSWER_SET_OF, ANSWER_SETS
from oss_datastore.catalogue.model import AnswerSet, GraphRequest, ScopeKind
from oss_datastore.simulator.world import World
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.ledger import Coverage, LedgerEntry
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader

THIRD = date.fromordinal(SECOND.toordinal() + 1)
TRAFFIC = frozenset(name for name, answer_set in ANSWER_SET_OF.items() if answer_set.datasets[0].subject == "traffic")
MOST_REQUESTS, MOST_TRAFFIC, MOST_POINTS, MOST_BUSY = 5.0, 4.0, 0.5, 8
ISSUES, PULLS = 20, 10
RUNS = 4
"""Requests that belong to a run and to no dataset."""
SUMS = Path(__file__).with_name("cost_by_dataset.sql")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--repositories", type=int, default=100, help="how many idle ones (default 100)")
    asked.add_argument("--json", action="store_true", help="print JSON")
    wanted = asked.parse_args()
    number = wanted.repositories
    world = World(1, (ORG,), number, idle=True).orgs[ORG].repositories[0]
    change = f"{ORG}/{world.name(int(after(FIRST).timestamp()))} busy {ISSUES} {PULLS} on {THIRD}"
    failed: list[str] = []
    figures: dict[str, object] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        simulated(after(FIRST), repos=number, idle=True, changes=(change,)) as github,
        took() as measured,
    ):
        for day, name in ((FIRST, "first day"), (SECOND, "second day"), (THIRD, "busy day")):
            github.set_now(after(day))
            with fetching(github, Path(folder), after(day)) as fetcher:
                fetch_day(fetcher, day)
                entries = ledger(fetcher, day)
                failed += _agree(github.heard(), entries, _loaded(fetcher, Path(folder), day), day)
            if day == THIRD:
                busy = [entry for entry in entries if entry.scope.endswith(f"/repository/{world.id}")]
                figures |= _busy(busy, wanted.json, failed)
            else:
                figures |= _idle(name, entries, number, wanted.json, failed if day == SECOND else [])
    figures |= {"wall, s": measured.wall, "processor, s": measured.cpu}
    return show("fetch_cost", figures, failed, as_json=wanted.json)


def _idle(name: str, entries: list[LedgerEntry], number: int, as_json: bool, failed: list[str]) -> dict[str, object]:
    _table(f"{name}, {number} idle repositories", entries, number, as_json)
    requests = sum(entry.requests for entry in entries) / number
    traffic = sum(entry.requests for entry in entries if entry.dataset in TRAFFIC) / number
    points = sum(entry.points for entry in entries) / number
    if requests > MOST_REQUESTS or traffic > MOST_TRAFFIC:
        failed.append(f"at most {MOST_REQUESTS} requests a repository on the {name}, {MOST_TRAFFIC} of them traffic")
    if points > MOST_POINTS:
        failed.append(f"at most {MOST_POINTS} points a repository on the {name}")
    return {
        f"{name}: requests a repository": requests,
        f"{name}: of them traffic": traffic,
        f"{name}: points a repository": points,
    }


def _busy(entries: list[LedgerEntry], as_json: bool, failed: list[str]) -> dict[str, object]:
    """The busy repository by itself: what is asked of an organisation, or of many at once, is not its own."""
    entries = [entry for entry in entries if not _is_shared(ANSWER_SET_OF[entry.dataset])]
    apart = [
        entry
        for entry in entries
        if ANSWER_SET_OF[entry.dataset].every_days > 1
        or (ANSWER_SET_OF[entry.dataset].counts and entry.coverage is Coverage.full)
    ]
    _table("busy day, the busy repository", entries, 1, as_json)
    daily = sum(entry.requests for entry in entries) - sum(entry.requests for entry in apart)
    if daily > MOST_BUSY:
        failed.append(f"at most {MOST_BUSY} requests for a repository with {ISSUES} issues and {PULLS} pull requests")
    changed = {e.dataset: e.rows for e in entries if e.dataset in ("issues", "pull_requests")}
    if changed != {"issues": ISSUES + PULLS, "pull_requests": PULLS}:
        failed.append(f"the changes of the busy day, instead of {changed}")
    return {
        "busy day: requests of the busy repository": daily,
        "busy day: points of it": sum(entry.points for entry in entries),
        "busy day: weekly and whole lists, apart": sum(entry.requests for entry in apart),
    }


def _is_shared(answer_set: AnswerSet) -> bool:
    request = answer_set.requests[0]
    return request.asked_per is ScopeKind.organization or (isinstance(request, GraphRequest) and request.batch)


def _loaded(fetcher: Fetcher, folder: Path, day: date) -> dict[str, tuple[int, int]]:
    """Requests and points by dataset as psa.fetch_ledger has them."""
    warehouse = DuckDbWarehouse(folder / "warehouse.duckdb")
    loader = PsaLoader(fetcher.staging, warehouse, fetcher.letters)
    for name in ANSWER_SETS:
        loader.load(name, [day])
    with warehouse.connect(read_only=True) as connection:
        found = connection.execute(SUMS.read_text(), [day]).fetchall()
    return {dataset: (requests, points) for dataset, requests, points in found}


def _agree(heard: Heard, entries: Iterable[LedgerEntry], loaded: dict[str, tuple[int, int]], day: date) -> list[str]:
    """What differs between the ledger, its table and what the server heard.

    Beside the ledger are the few questions of a run (its role, its limits, whether GraphQL answers) and statistics that
    were asked for early and are still being computed (202).
    """
    sums: dict[str, tuple[int, int]] = {}
    for entry in entries:
        requests, points = sums.get(entry.dataset, (0, 0))
        sums[entry.dataset] = (requests + entry.requests, points + entry.points)
    wrong = [] if sums == loaded else [f"psa.fetch_ledger of {day} with the sums of the ledger"]
    beside = heard.requests - sum(requests for requests, _ in sums.values())
    early = heard.by_status[202]
    return wrong if early <= beside <= early + RUNS else [*wrong, f"{heard.requests} requests of {day} in the ledger"]


def _table(title: str, entries: list[LedgerEntry], number: int, as_json: bool) -> None:
    if as_json:
        return
    print(f"{title}\n  {'dataset':<42}{'requests':>9}{'points':>8}{'a repository':>14}{'points':>8}")
    for dataset in ANSWER_SET_OF:
        own = [entry for entry in entries if entry.dataset == dataset]
        requests, points = sum(entry.requests for entry in own), sum(entry.points for entry in own)
        if requests or points:
            print(f"  {dataset:<42}{requests:>9}{points:>8}{requests / number:>14.2f}{points / number:>8.2f}")


if __name__ == "__main__":
    sys.exit(main())
