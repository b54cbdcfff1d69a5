"""What the queue promises to those who put, read, retry and close letters."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg2
import pytest

from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, LetterMissing, QueueUnavailable, TransitionRefused
from oss_datastore_tests.dead_letters.failures import DAY, SCOPE, failure


def states(queue: DeadLetterQueue, id: int) -> list[tuple[str | None, str, str, str]]:
    return [(change.from_state, change.to_state, change.who, change.why) for change in queue.history(id)]


# --- writing ---


def test_a_failure_becomes_an_open_letter_with_everything_needed_to_understand_it(queue: DeadLetterQueue) -> None:
    letter = queue.get(queue.put(failure()))
    assert letter.as_dict() == {
        "id": letter.id,
        "dataset": "traffic_views",
        "scope": SCOPE,
        "day": "2026-11-01",
        "cause": "server_fault",
        "source": "github_v3",
        "error_class": "server_fault",
        "message": "GitHub answered 502 five times",
        "request": {"api": "v3", "method": "GET", "url": "https://api.github.com/repositories/1296269/traffic/views"},
        "status": 502,
        "headers": {"content-type": "text/html", "x-github-request-id": "ABCD:1"},
        "body": "<html><body>Unicorn! &amp; friends</body></html>",
        "body_encoding": "utf-8",
        "body_length": 48,
        "staged": None,
        "attempts": 1,
        "first_failed_at": "2026-11-02T00:10:00+00:00",
        "last_failed_at": "2026-11-02T00:10:00+00:00",
        "recoverable_until": "2026-11-14T00:00:00+00:00",
        "state": "open",
        "lease_owner": None,
        "lease_until": None,
        "closed_at": None,
        "resolution": None,
        "covered_by": None,
        "note": None,
    }
    json.dumps(letter.as_dict())


def test_the_same_failure_again_is_the_same_letter_with_the_newest_evidence(
    queue: DeadLetterQueue, clock: Clock
) -> None:
    first = queue.put(failure())
    clock.held = datetime(2026, 11, 2, 1, 10, tzinfo=UTC)
    again = queue.put(failure(status=503, message="then 503", body=None))
    letter = queue.get(again)
    assert again == first
    assert (letter.attempts, letter.status, letter.message, letter.body) == (2, 503, "then 503", None)
    assert (letter.first_failed_at.hour, letter.last_failed_at.hour) == (0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "traffic_clones"},
        {"scope": "github.com/repository/2"},
        {"day": date(2026, 11, 2)},
        {"cause": "line 7"},
    ],
)
def test_another_dataset_scope_day_or_cause_is_another_letter(queue: DeadLetterQueue, change: dict[str, Any]) -> None:
    assert queue.put(failure()) != queue.put(failure(**change))


def test_long_causes_that_differ_at_their_end_stay_two_letters(queue: DeadLetterQueue) -> None:
    one, two = queue.put_many([failure(cause="é" * 5000 + "1"), failure(cause="é" * 5000 + "2")])
    assert one != two
    assert queue.put(failure(cause="é" * 5000 + "1")) == one


def test_many_are_numbered_in_the_order_given_and_repetitions_counted(queue: DeadLetterQueue) -> None:
    failures = [failure(cause=cause) for cause in ("c", "a", "b", "a", "a")]
    numbers = queue.put_many(failures)
    assert numbers[1] == numbers[3] == numbers[4]
    assert len(set(numbers)) == 3
    assert [queue.get(number).cause for number in numbers] == ["c", "a", "b", "a", "a"]
    assert [queue.get(number).attempts for number in numbers[:3]] == [1, 3, 1]
    assert queue.put_many([]) == []


def test_a_burst_of_ten_thousand_takes_seconds(queue: DeadLetterQueue) -> None:
    queue.counts()
    burst = [failure(scope=f"github.com/repository/{number}") for number in range(10_000)]
    began = time.monotonic()
    numbers = queue.put_many(burst)
    again = queue.put_many(burst)
    assert time.monotonic() - began < 20
    assert numbers == again
    assert queue.counts()["open"] == {("traffic_views", "server_fault"): 10_000}


def test_a_resolved_letter_that_fails_again_is_open_again(queue: DeadLetterQueue) -> None:
    number = queue.put(failure())
    queue.resolve(number, who="retry", why="fetched")
    queue.put(failure(), who="run 7")
    letter = queue.get(number)
    assert (letter.state, letter.attempts, letter.resolution, letter.closed_at) == ("open", 2, None, None)
    assert states(queue, number) == [
        (None, "open", "run", "failed"),
        ("open", "resolved", "retry", "fetched"),
        ("resolved", "open", "run 7", "failed"),
    ]


@pytest.mark.parametrize("close", ["discard", "expire"])
def test_a_discarded_or_expired_letter_stays_so_when_it_fails_again(queue: DeadLetterQueue, close: str) -> None:
    number = queue.put(failure())
    state = getattr(queue, close)(number, who="ann", why="known").state
    queue.put(failure())
    letter = queue.get(number)
    assert (letter.state, letter.attempts, letter.resolution) == (state, 2, "known")


def test_a_failure_during_a_retry_leaves_the_lease_to_the_retry(queue: DeadLetterQueue) -> None:
    number = queue.put(failure())
    queue.claim(who="retry 1")
    queue.put(failure())
    letter = queue.get(number)
    assert (letter.state, letter.attempts, letter.lease_owner) == ("retrying", 2, "retry 1")
    assert queue.claim(who="retry 2") == []


@pytest.mark.parametrize("change", [{"dataset": ""}, {"scope": ""}, {"error_class": ""}])
def test_a_failure_without_a_name_is_refused(queue: DeadLetterQueue, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        queue.put(failure(**change))


def test_a_source_that_nobody_knows_is_refused(queue: DeadLetterQueue) -> None:
    with pytest.raises(TransitionRefused, match="source"):
        queue.put(failure(source="gitlab"))


def test_times_need_a_zone(queue: DeadLetterQueue) -> None:
    with pytest.raises(ValueError, match="time zone"):
        queue.put(failure(recoverable_until=datetime(2026, 11, 14)))  # noqa: DTZ001


# --- reading ---


def test_lists_are_filtered_newest_first_and_without_bodies(queue: DeadLetterQueue, clock: Clock) -> None:
    old = queue.put(failure(cause="old"))
    clock.held = clock.now() + timedelta(hours=1)
    new = queue.put(failure(cause="new"))
    other = queue.put(failure(dataset="issues", scope="s2", day=DAY + timedelta(1), error_class="gone_wrong"))
    done = queue.put(failure(cause="done"))
    queue.resolve(done, who="x", why="y")

    def numbers(**given: Any) -> list[int]:
        return [letter.id for letter in queue.list(**given)]

    assert numbers() == [other, new, old]
    assert numbers(dataset="issues") == numbers(scope="s2") == numbers(day=DAY + timedelta(1)) == [other]
    assert numbers(error_class="gone_wrong") == [other]
    assert numbers(states=("resolved",)) == [done]
    assert numbers(limit=1, offset=1) == [new]
    assert numbers(lost_before=datetime(2026, 11, 13, tzinfo=UTC)) == []
    assert numbers(lost_before=datetime(2026, 11, 15, tzinfo=UTC)) == [other, new, old]
    assert queue.list()[1].body is None
    assert queue.list()[1].body_length == 48


def test_counts_are_by_state_dataset_and_error_class(queue: DeadLetterQueue) -> None:
    numbers = queue.put_many([failure(cause=str(number)) for number in range(5)])
    queue.put(failure(dataset="issues", error_class="malformed_body"))
    queue.discard(numbers[0], who="ann", why="known")
    queue.claim(ids=numbers[1:3], who="retry")
    assert queue.counts() == {
        "open": {("issues", "malformed_body"): 1, ("traffic_views", "server_fault"): 2},
        "retrying": {("traffic_views", "server_fault"): 2},
        "resolved": {},
        "expired": {},
        "discarded": {("traffic_views", "server_fault"): 1},
    }


def test_a_number_that_is_none_is_named(queue: DeadLetterQueue) -> None:
    for act in (
        lambda: queue.get(77),
        lambda: queue.history(77),
        lambda: queue.resolve(77, who="a", why="b"),
        lambda: queue.reopen(77, who="a", why="b"),
        lambda: queue.annotate(77, "x"),
    ):
        with pytest.raises(LetterMissing, match="no dead letter 77"):
            act()


def test_people_read_how_long_it_can_still_be_had(queue: DeadLetterQueue) -> None:
    letter = queue.get(queue.put(failure()))
    ever = queue.get(queue.put(failure(dataset="issues", recoverable_until=None)))
    end = datetime(2026, 11, 14, tzinfo=UTC)
    assert letter.recoverable(end - timedelta(days=12)) == "until 2026-11-14 00:00 UTC (12 days left)"
    assert letter.recoverable(end - timedelta(hours=5)) == "until 2026-11-14 00:00 UTC (5 h left)"
    assert letter.recoverable(end - timedelta(seconds=1)) == "until 2026-11-14 00:00 UTC (1 min left)"
    assert letter.recoverable(end) == "lost since 2026-11-14 00:00 UTC"
    assert ever.recoverable(end) == "at any time"
    assert queue.discard(ever.id, who="ann", why="known").recoverable(end) == "discarded"


# --- retrying ---


def test_a_claim_leases_what_is_lost_soonest(queue: DeadLetterQueue) -> None:
    late, never, soon = queue.put_many(
        [
            failure(cause="late", recoverable_until=datetime(2026, 11, 20, tzinfo=UTC)),
            failure(cause="never", recoverable_until=None),
            failure(cause="soon", recoverable_until=datetime(2026, 11, 3, tzinfo=UTC)),
        ]
    )
    claimed = queue.claim(limit=2, who="retry 1", lease_seconds=60)
    assert [letter.id for letter in claimed] == [soon, late]
    assert {(letter.state, letter.lease_owner) for letter in claimed} == {("retrying", "retry 1")}
    assert claimed[0].lease_until is not None
    assert timedelta(seconds=50) < claimed[0].lease_until - datetime.now(UTC) <= timedelta(seconds=61)
    assert [letter.id for letter in queue.claim(who="retry 2")] == [never]
    assert queue.claim(who="retry 3") == []


def test_a_claim_takes_only_what_is_asked_for_and_can_be_recovered(queue: DeadLetterQueue, clock: Clock) -> None:
    here = queue.put(failure())
    issues = queue.put(failure(dataset="issues", day=DAY + timedelta(1), error_class="malformed_body"))
    lost = queue.put(failure(cause="lost", recoverable_until=clock.now()))
    assert queue.claim(dataset="labels", who="r") == []
    assert [letter.id for letter in queue.claim(dataset="issues", who="r")] == [issues]
    queue.reopen(issues, who="r", why="again")
    assert [letter.id for letter in queue.claim(day=DAY + timedelta(1), who="r")] == [issues]
    queue.reopen(issues, who="r", why="again")
    assert [letter.id for letter in queue.claim(error_class="malformed_body", who="r")] == [issues]
    assert [letter.id for letter in queue.claim(who="r")] == [here]
    assert [letter.id for letter in queue.claim(ids=[lost, here], who="r")] == [lost]
    assert queue.claim(ids=[], who="r") == []


def test_many_claimants_at_once_never_get_the_same_letter(queue_url: str, clock: Clock) -> None:
    queue = DeadLetterQueue(queue_url, clock=clock)
    numbers = queue.put_many([failure(cause=str(number)) for number in range(200)])
    start = threading.Barrier(8)

    def claim_all(name: int) -> list[int]:
        with closing(DeadLetterQueue(queue_url, clock=clock)) as own:
            own.counts()
            start.wait()
            taken = []
            while found := own.claim(limit=7, who=f"retry {name}"):
                taken += [letter.id for letter in found]
            return taken

    with ThreadPoolExecutor(8) as threads:
        taken = [number for found in threads.map(claim_all, range(8)) for number in found]
    assert sorted(taken) == sorted(numbers)
    queue.close()


def test_what_one_fetch_brings_is_retried_by_one_claimant_at_a_time(queue_url: str, clock: Clock) -> None:
    together = {"issues": "issues", "issue_comments": "issues", "labels": "shelf"}
    queue = DeadLetterQueue(queue_url, clock=clock)
    scopes = [f"github.com/repository/{number}" for number in range(12)]
    queue.put_many([failure(dataset=name, scope=scope) for scope in scopes for name in together])
    start = threading.Barrier(6)

    def claim_one(name: int) -> list[tuple[str, str]]:
        with closing(DeadLetterQueue(queue_url, clock=clock)) as own:
            own.counts()
            start.wait()
            found = [own.claim(limit=1, together=together, who=f"retry {name}") for _ in range(3)]
            return [(together[letter.dataset], letter.scope) for some in found for letter in some]

    with ThreadPoolExecutor(6) as threads:
        taken = [fetch for found in threads.map(claim_one, range(6)) for fetch in found]
    assert len(taken) == 18
    assert len(set(taken)) == len(taken)
    queue.close()


def test_one_queue_may_be_used_by_several_threads(queue: DeadLetterQueue) -> None:
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda number: queue.put(failure(cause=str(number % 5))), range(40)))
    assert len(set(numbers)) == 5
    assert {queue.get(number).attempts for number in numbers} == {8}


def test_a_retry_that_was_killed_gives_its_letters_back_when_the_lease_ends(queue: DeadLetterQueue) -> None:
    number = queue.put(failure())
    queue.claim(who="retry 1", lease_seconds=0.2)
    assert queue.claim(who="retry 2") == []
    time.sleep(0.3)
    assert queue.get(number).state == "open"
    assert states(queue, number)[-1] == ("retrying", "open", "queue", "the lease of the retry ended")
    assert [letter.id for letter in queue.claim(who="retry 2")] == [number]


def test_a_lease_is_renewed_by_its_owner_only(queue: DeadLetterQueue) -> None:
    number = queue.put(failure())
    queue.claim(who="retry 1", lease_seconds=0.2)
    assert queue.renew([number], who="retry 2") == 0
    assert queue.renew([number], who="retry 1", lease_seconds=60) == 1
    time.sleep(0.3)
    assert queue.get(number).state == "retrying"


def test_what_another_retry_holds_is_not_reopened(queue: DeadLetterQueue) -> None:
    number = queue.put(failure())
    queue.claim(who="retry 1")
    with pytest.raises(TransitionRefused, match=f"Letter {number} is being retried by retry 1 until"):
        queue.reopen(number, who="ann", why="impatient")
    assert queue.reopen(number, who="retry 1", why="502 again").state == "open"
    assert queue.reopen(number, who="retry 1", why="502 again").state == "open"
    assert [change[1] for change in states(queue, number)] == ["open", "retrying", "open"]


# --- closing ---


def test_a_letter_is_closed_with_who_when_and_why(queue: DeadLetterQueue, clock: Clock) -> None:
    number = queue.put(failure())
    queue.claim(who="retry")
    clock.held = datetime(2026, 11, 3, tzinfo=UTC)
    letter = queue.resolve(number, who="retry", why="fetched in generation 5")
    assert (letter.state, letter.resolution, letter.closed_at) == ("resolved", "fetched in generation 5", clock.held)
    assert letter.lease_owner is None
    assert queue.resolve(number, who="someone", why="too late") == letter
    last = queue.history(number)[-1]
    assert (last.who, last.why, last.at, last.attempts) == ("retry", "fetched in generation 5", clock.held, 1)
    assert queue.discard(number, who="ann", why="tidy").state == "discarded"
    assert queue.annotate(number, "see ticket 5").note == "see ticket 5"


def test_a_complete_fetch_closes_the_letters_of_its_scope_and_day_only(queue: DeadLetterQueue) -> None:
    one, two, leased = queue.put_many([failure(cause=cause) for cause in ("one", "two", "leased")])
    queue.claim(ids=[leased], who="retry")
    others = queue.put_many([failure(dataset="issues"), failure(scope="other"), failure(day=DAY + timedelta(days=1))])
    discarded = queue.put(failure(cause="discarded"))
    queue.discard(discarded, who="ann", why="known")
    assert queue.resolve_scope("traffic_views", SCOPE, DAY, who="run 8", why="complete in generation 9") == 3
    assert {queue.get(number).state for number in (one, two, leased)} == {"resolved"}
    assert {queue.get(number).state for number in others} == {"open"}
    assert queue.get(discarded).state == "discarded"
    assert queue.resolve_scope("traffic_views", SCOPE, DAY, who="run 9", why="again") == 0


def test_a_later_day_that_covers_is_named(queue: DeadLetterQueue) -> None:
    number = queue.put(failure())
    later = DAY + timedelta(days=3)
    assert queue.resolve_scope("traffic_views", SCOPE, DAY, who="run", why="covered", covered_by=later) == 1
    assert queue.get(number).covered_by == later
    queue.put(failure())
    assert queue.get(number).covered_by is None


def test_ten_thousand_scopes_are_closed_at_once(queue: DeadLetterQueue) -> None:
    queue.put_many([failure(scope=f"s{number}") for number in range(1000)])
    began = time.monotonic()
    done = queue.resolve_scopes([("traffic_views", f"s{n}", DAY) for n in range(10_000)], who="run", why="complete")
    assert done == 1000
    assert time.monotonic() - began < 5
    assert queue.resolve_scopes([], who="run", why="complete") == 0


def test_what_can_no_longer_be_fetched_expires(queue: DeadLetterQueue, clock: Clock) -> None:
    lost, kept, ever = queue.put_many(
        [
            failure(cause="lost", recoverable_until=datetime(2026, 11, 3, tzinfo=UTC)),
            failure(cause="kept"),
            failure(cause="ever", recoverable_until=None),
        ]
    )
    assert queue.expire_lost(who="retry") == []
    clock.held = datetime(2026, 11, 3, tzinfo=UTC)
    assert [letter.id for letter in queue.expire_lost(who="retry")] == [lost]
    assert queue.get(lost).recoverable(clock.now()) == "lost since 2026-11-03 00:00 UTC"
    assert {queue.get(number).state for number in (kept, ever)} == {"open"}


@pytest.mark.parametrize(
    ("before", "act"),
    [
        (("resolve",), "expire"),
        (("expire",), "resolve"),
        (("expire",), "reopen"),
        (("discard",), "resolve"),
        (("discard",), "expire"),
        (("discard",), "reopen"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_with_a_sentence(
    queue: DeadLetterQueue, before: tuple[str, ...], act: str
) -> None:
    number = queue.put(failure())
    for step in before:
        getattr(queue, step)(number, who="a", why="b")
    with pytest.raises(TransitionRefused, match=rf"letter {number} is \w+: it cannot become \w+"):
        getattr(queue, act)(number, who="a", why="b")


@pytest.mark.parametrize(("who", "why"), [("", "because"), ("ann", "")])
def test_nobody_changes_a_state_without_a_name_and_a_reason(queue: DeadLetterQueue, who: str, why: str) -> None:
    number = queue.put(failure())
    with pytest.raises(TransitionRefused, match="who makes it and why"):
        queue.discard(number, who=who, why=why)
    assert queue.get(number).state == "open"


def test_changes_are_read_on_from_the_last_one_seen(queue: DeadLetterQueue) -> None:
    one, two = queue.put_many([failure(cause="one"), failure(cause="two")])
    seen = queue.transitions_since(0)
    assert [(change.letter_id, change.to_state) for change in seen] == [(one, "open"), (two, "open")]
    queue.discard(one, who="ann", why="known")
    (new,) = queue.transitions_since(seen[-1].id)
    assert new.as_dict() == {
        "id": new.id,
        "letter_id": one,
        "at": "2026-11-02T00:10:00+00:00",
        "from_state": "open",
        "to_state": "discarded",
        "who": "ann",
        "why": "known",
        "attempts": 1,
    }


def test_what_is_remembered_is_recalled_by_another_process(queue: DeadLetterQueue, queue_url: str) -> None:
    assert queue.recall("alerts") is None
    queue.remember("alerts", "7")
    queue.remember("alerts", "8")
    with closing(DeadLetterQueue(queue_url, clock=Clock())) as other:
        assert other.recall("alerts") == "8"


# --- the server ---


def test_a_server_that_is_away_is_one_clear_line_without_the_password(clock: Clock) -> None:
    queue = DeadLetterQueue("postgresql://dlq:hunter22@127.0.0.1:9/dlq", clock=clock)
    with pytest.raises(QueueUnavailable) as caught:
        queue.put(failure())
    message = str(caught.value)
    assert "DLQ_URL" in message
    assert "hunter22" not in message
    assert "\n" not in message


def test_a_connection_that_was_cut_is_made_anew(queue: DeadLetterQueue, queue_url: str) -> None:
    number = queue.put(failure())
    with closing(psycopg2.connect(queue_url)) as admin, admin.cursor() as cursor:
        cursor.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'oss-datastore' and datname = current_database()"
        )
    assert queue.put(failure()) == number
    assert queue.get(number).attempts == 2


def test_sqlalchemys_form_of_the_address_is_understood(queue_url: str, clock: Clock) -> None:
    with closing(DeadLetterQueue(queue_url.replace("postgresql:", "postgresql+psycopg2:"), clock=clock)) as queue:
        assert queue.put(failure()) > 0
