"""What a day can still give, from when changes are asked, and what an older day is never told."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from oss_datastore.catalogue import ANSWER_SETS, DATASETS
from oss_datastore.catalogue.model import Addressable
from oss_datastore.github import Unreachable
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.days import DayNotOver, can_be_had, is_overdue, recoverable_until
from oss_datastore.staging.fetch import UnknownOrganization
from oss_datastore.staging.ledger import Coverage, State
from oss_datastore_tests.staging.fetching import (
    DAY,
    MemoryLetters,
    after,
    differences,
    entries,
    fetch_all,
    fetcher,
    load,
)

NEXT = DAY + timedelta(days=1)


def asked_since(simulator: Simulator, path_end: str) -> list[str | None]:
    """The `since` of each first page that was asked of this kind of list."""
    found = []
    for entry in simulator.log:
        parts = urlsplit(entry.target)
        query = parse_qs(parts.query)
        if parts.path.endswith(path_end) and "page" not in query:
            found.append(query.get("since", [None])[0])
    return found


@pytest.mark.parametrize(
    ("addressable", "last_moment"),
    [
        (Addressable.window, after(DAY, days=11, hours=23, minutes=49)),
        (Addressable.snapshot, after(DAY, hours=23, minutes=49)),
        (Addressable.feed, after(DAY, days=28, hours=23, minutes=49)),
    ],
)
def test_a_day_can_be_had_until_the_moment_it_is_recoverable(addressable: Addressable, last_moment: object) -> None:
    until = recoverable_until(addressable, DAY)
    assert until is not None
    assert last_moment == until - timedelta(minutes=1)
    assert can_be_had(addressable, DAY, until - timedelta(minutes=1))
    assert not can_be_had(addressable, DAY, until)


def test_a_day_that_is_not_over_is_refused(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY) - timedelta(minutes=11))
    with pytest.raises(DayNotOver, match=f"{DAY} is not over yet"):
        fetch.fetch("traffic_views", DAY)
    assert not list(fetch.staging.store.list(""))


def test_the_first_fetch_lists_everything_and_the_next_asks_from_the_last_complete_day(
    github: Simulator, tmp_path: Path
) -> None:
    fetch_all(fetcher(github, tmp_path, now=after(DAY)), DAY)
    assert set(asked_since(github, "/issues")) == {None}
    github.application.log.clear()
    github.set_now(after(NEXT))
    second = fetcher(github, tmp_path, now=after(NEXT))
    fetch_all(second, NEXT)
    asked = set(asked_since(github, "/issues"))
    assert asked <= {f"{DAY}T23:00:00Z"}
    covered = {entry.coverage for entry in second.staging.ledger("issues", NEXT).values()}
    assert covered <= {Coverage.delta, Coverage.unchanged}
    assert asked or covered == {Coverage.unchanged}


def test_changes_are_asked_from_the_last_complete_day_before_and_never_from_a_later_one(
    github: Simulator, tmp_path: Path
) -> None:
    later = DAY + timedelta(days=3)
    github.set_now(after(later))
    for day in (later, DAY, NEXT):
        fetch = fetcher(github, tmp_path, now=after(later))
        for name in ("organizations", "repositories", "issues"):
            fetch.fetch(name, day)
        if day != NEXT:
            assert set(asked_since(github, "/issues")) == {None}, "an older day was asked from a later one"
            github.application.log.clear()
    moved = {e.scope: e.coverage for e in fetch.staging.ledger("issues", NEXT).values()}
    assert set(moved.values()) <= {Coverage.delta, Coverage.unchanged}
    assert set(asked_since(github, "/issues")) <= {f"{DAY}T23:00:00Z"}


def test_a_record_changed_after_the_close_belongs_to_a_later_day(github: Simulator, tmp_path: Path) -> None:
    github.set_now(after(DAY, days=5))
    fetch = fetcher(github, tmp_path, now=after(DAY, days=5))
    fetch_all(fetch, DAY)
    rows = load(fetch.staging, [DAY])
    for table in ("issues", "issue_comments", "pull_requests"):
        assert rows[table]
        assert not any(
            f"'updated_at': datetime.datetime(2026, 10, {n}," in row for row in rows[table] for n in (15, 16)
        )


def test_a_past_day_has_no_snapshot_and_says_so(github: Simulator, tmp_path: Path) -> None:
    now = after(DAY, days=2)
    github.set_now(now)
    letters = MemoryLetters()
    fetch = fetcher(github, tmp_path, letters, now=now)
    fetch_all(fetch, DAY)
    for entry in entries(fetch.staging, DAY):
        if DATASETS[entry.dataset].addressable is Addressable.snapshot:
            assert (entry.state, entry.rows, entry.coverage) == (State.unavailable, 0, None), entry
        else:
            assert entry.state is State.complete, entry
    assert not letters.open
    rows = load(fetch.staging, [DAY])
    assert rows["traffic_views"]
    assert not rows["members"]
    assert not rows["traffic_views_window"], "the fourteen-day total of a later day was dated back"


def test_a_window_day_that_was_missed_is_covered_by_a_later_complete_fetch(github: Simulator, tmp_path: Path) -> None:
    covering = DAY + timedelta(days=11)
    github.set_now(after(covering))
    first = fetcher(github, tmp_path, now=after(covering))
    for name in ("organizations", "repositories", "traffic_views"):
        first.fetch(name, covering)
    # Two days on, DAY itself is past what GitHub serves.
    github.set_now(after(DAY, days=14))
    fetch = fetcher(github, tmp_path, now=after(DAY, days=14))
    fetch.fetch("traffic_views", DAY)
    ledger = fetch.staging.ledger("traffic_views", DAY)
    assert {(e.state, e.covered_by) for e in ledger.values()} == {(State.unavailable, covering)}
    fetch.fetch("traffic_views", DAY - timedelta(days=3))
    older = fetch.staging.ledger("traffic_views", DAY - timedelta(days=3))
    assert {(e.state, e.covered_by) for e in older.values()} == {(State.unavailable, None)}


def test_a_repository_that_did_not_move_costs_no_request_and_is_told_unchanged(
    github: Simulator, tmp_path: Path
) -> None:
    fetch_all(fetcher(github, tmp_path, now=after(DAY)), DAY)
    github.application.log.clear()
    # GitHub's own calendar stands still: nothing can have changed.
    fetch = fetcher(github, tmp_path, now=after(NEXT, hours=2))
    for name in ("organizations", "repositories", "issues"):
        fetch.fetch(name, NEXT)
    ledger = fetch.staging.ledger("issues", NEXT)
    still = {e.scope for e in ledger.values() if e.coverage is Coverage.unchanged}
    assert still
    assert len(asked_since(github, "/issues")) == len(ledger) - len(still)
    assert {e.rows for e in ledger.values() if e.scope in still} == {0}


def test_an_inventory_of_an_earlier_day_never_says_that_nothing_changed(github: Simulator, tmp_path: Path) -> None:
    fetch_all(fetcher(github, tmp_path, now=after(DAY)), DAY)
    github.set_now(after(NEXT))
    github.set_faults("server_error@/graphql/Repositories*=1:sticky")
    fetch = fetcher(github, tmp_path, now=after(NEXT))
    for name in ("organizations", "repositories", "issues"):
        fetch.fetch(name, NEXT)
    assert {e.state for e in fetch.staging.ledger("repositories", NEXT).values()} == {State.failed}
    assert Coverage.unchanged not in {e.coverage for e in fetch.staging.ledger("issues", NEXT).values()}


def test_a_failed_repetition_never_displaces_a_complete_day(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY))
    fetch_all(fetch, DAY)
    before = load(fetch.staging, [DAY])
    github.set_faults("server_error@/repos/*=1:sticky,bad_gateway@/graphql/*=1:sticky")
    again = fetcher(github, tmp_path, now=after(DAY, minutes=20))
    for name in ANSWER_SETS:
        if name != "organizations":
            again.fetch(name, DAY, force=True)
    assert differences(load(again.staging, [DAY]), before) == {}


@pytest.mark.soak
def test_days_loaded_twice_in_any_order_or_at_once_give_the_same_tables(github: Simulator, tmp_path: Path) -> None:
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day in days:
        github.set_now(after(day))
        fetch = fetcher(github, tmp_path, now=after(day))
        fetch_all(fetch, day)
    in_order = load(fetch.staging, days)
    assert differences(load(fetch.staging, [days[2], days[0], days[1], days[0], days[2]]), in_order) == {}


def test_an_unknown_organisation_is_named_and_nothing_is_staged(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY), organizations=("nobody-here",))
    with pytest.raises(UnknownOrganization, match="GITHUB_ORGS names 'nobody-here'"):
        fetch.fetch("repositories", DAY)
    assert fetch.staging.ledger("repositories", DAY) == {}


def test_an_organisation_that_could_not_be_resolved_has_a_letter_that_a_later_answer_closes(
    github: Simulator, tmp_path: Path
) -> None:
    letters = MemoryLetters()
    github.set_faults("server_error@/orgs/acme=1:sticky")
    fetcher(github, tmp_path, letters, now=after(DAY)).fetch("organizations", DAY)
    assert [failure.scope for failure in letters.of("organizations")] == ["127.0.0.1/organization/@acme"]
    github.set_faults(None)
    fetch = fetcher(github, tmp_path, letters, now=after(DAY))
    fetch.fetch("organizations", DAY, only=["127.0.0.1/organization/@acme"])
    states = {e.scope.rsplit("/", 1)[1][0]: e.state for e in fetch.staging.ledger("organizations", DAY).values()}
    assert states == {"@": State.gone, "4": State.complete}
    assert not letters.open


def test_what_a_rate_limit_leaves_is_pending_and_gets_a_letter_once_it_is_overdue(
    github: Simulator, tmp_path: Path
) -> None:
    for hours, overdue in ((0, False), (12, True)):
        now = after(DAY, hours=hours)
        letters = MemoryLetters()
        fetch = fetcher(github, tmp_path / str(hours), letters, now=now)
        fetch.fetch("organizations", DAY)
        fetch.fetch("repositories", DAY)
        github.set_faults("primary_limit@/repos/*=1")
        fetch.fetch("traffic_views", DAY)
        github.set_faults(None)
        # The hour of a held calendar never ends: a day further, the budget is whole again.
        github.set_now(after(DAY, days=1 + hours))
        assert {e.state for e in fetch.staging.ledger("traffic_views", DAY).values()} == {State.pending}
        assert is_overdue(DAY, now) is overdue
        assert bool(letters.of("traffic_views")) is overdue
        github.set_now(after(DAY))


def test_a_host_that_is_gone_ends_the_run_and_leaves_letters(github: Simulator, tmp_path: Path) -> None:
    letters = MemoryLetters()
    with Simulator(repos=3, now=after(DAY)) as short_lived:
        fetch = fetcher(short_lived, tmp_path, letters, now=after(DAY))
        fetch.fetch("organizations", DAY)
        fetch.fetch("repositories", DAY)
    with pytest.raises(Unreachable, match="refused"):
        fetch.fetch("traffic_views", DAY)
    states = {e.state for e in fetch.staging.ledger("traffic_views", DAY).values()}
    assert states <= {State.failed, State.pending}


def test_a_day_before_the_first_repository_plans_none(github: Simulator, tmp_path: Path) -> None:
    fetch = fetcher(github, tmp_path, now=after(DAY))
    fetch.fetch("organizations", DAY)
    fetch.fetch("repositories", DAY)
    fetch.fetch("issues", date(2001, 1, 1))
    assert fetch.staging.ledger("issues", date(2001, 1, 1)) == {}
    assert fetch.staging.is_staged("issues", date(2001, 1, 1)), "nothing to ask must not look like never asked"
    staged = list(fetch.staging.store.list(""))
    fetch.fetch("issues", date(2001, 1, 1))
    assert list(fetch.staging.store.list("")) == staged
