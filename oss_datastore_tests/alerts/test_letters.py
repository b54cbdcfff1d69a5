"""Dead letters: one grouped message for what is new, what will be lost and when, once, and a notice when it is over."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore_tests.alerts.conftest import AT_ONCE, DAY, DEAD, NOW, Paper, Watch, entry, failure

HOUR = timedelta(hours=1)


def test_ten_thousand_letters_are_one_message_that_says_what_is_lost_and_what_to_do(watch: Watch) -> None:
    burst = [failure(n, dataset="issues") for n in range(9_999)]
    watch.queue.put_many([*burst, failure(1, dataset="members", until=NOW + timedelta(days=1), message="boom")])
    paper = Paper()
    assert watch.look(paper) == paper.told
    [alert] = paper.told
    assert (alert.severity, alert.letters) == ("page", 10_000)
    assert alert.subject == f"10,000 new dead letters for {DAY}"
    assert "- 9,999 × issues: server_fault\n- 1 × members: server_fault" in alert.body
    assert "First: letter " in alert.body
    assert "Lost for ever unless it is had before:\n- at 2026-10-16 00:10 UTC: 1 × members of 2026-10-14" in alert.body
    assert "the job retry_dead_letters" in alert.body
    assert "oss-datastore dlq retry --due" in alert.body


def test_what_can_be_had_at_any_time_pages_nobody(watch: Watch) -> None:
    watch.queue.put(failure(1))
    [alert] = watch.look(Paper())
    assert alert.severity == "mail"
    assert "Lost for ever" not in alert.body


def test_what_was_told_is_not_told_again_even_after_a_restart(watch: Watch, queue_url: str) -> None:
    watch.queue.put(failure(1))
    assert watch.look(Paper())
    watch.queue = DeadLetterQueue(queue_url, clock=watch.clock)
    paper = Paper()
    assert watch.look(paper) == []
    watch.queue.put(failure(1))  # fails once more: the same letter, no news
    assert watch.look(paper) == []
    watch.queue.put(failure(2))
    watch.look(paper)
    assert [
        (alert.letters, "With those told of before, 2 letters are open." in alert.body) for alert in paper.told
    ] == [(1, True)]


def test_two_processes_at_once_tell_once(watch: Watch, queue_url: str) -> None:
    watch.queue.put_many([failure(n) for n in range(50)])
    paper = Paper()

    def look() -> None:
        queue = DeadLetterQueue(queue_url, clock=watch.clock)
        Watch(queue, watch.staging, watch.clock).look(paper)
        queue.close()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paper.told) == 1


def test_when_the_last_letter_is_closed_it_is_told_to_be_over_once(watch: Watch) -> None:
    [first, second] = watch.queue.put_many([failure(1), failure(2)])
    paper = Paper()
    watch.look(paper)
    watch.queue.resolve(first, who="test", why="better")
    assert watch.look(paper) == []
    watch.queue.resolve(second, who="test", why="better")
    [over] = watch.look(paper)
    assert over.recovery
    assert over.subject == f"Over: 2 new dead letters for {DAY}"
    assert watch.look(paper) == []


def test_a_letter_that_comes_back_is_news(watch: Watch) -> None:
    letter = watch.queue.put(failure(1))
    paper = Paper()
    watch.look(paper)
    watch.queue.resolve(letter, who="test", why="better")
    watch.look(paper)
    watch.queue.put(failure(1))
    watch.look(paper)
    assert [alert.recovery for alert in paper.told] == [False, True, False]


def test_news_wait_for_the_end_of_the_cool_down_unless_they_are_more_urgent(watch: Watch) -> None:
    paper = Paper()
    watch.queue.put(failure(1))
    watch.look(paper, cool_down=HOUR)
    watch.queue.put_many([failure(2), failure(3)])
    assert watch.look(paper, cool_down=HOUR) == []
    [later] = watch.look(paper, cool_down=AT_ONCE)
    assert later.letters == 2
    watch.queue.put(failure(4, dataset="members", until=NOW + timedelta(days=1)))
    [urgent] = watch.look(paper, cool_down=HOUR)
    assert (urgent.severity, urgent.letters) == ("page", 1)


@pytest.mark.parametrize("fails", [DEAD, OSError("no route")])
def test_a_way_that_is_dead_fails_nobody_is_tried_again_and_makes_no_other_tell_twice(
    fails: Exception, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    watch.queue.put(failure(1))
    dead, paper = Paper("dead", fails), Paper("paper")
    for _ in range(3):
        watch.look(dead, paper)
    assert len(paper.told) == 1
    assert "not delivered by dead" in caplog.text
    assert "no route" not in caplog.text
    dead.fails = None
    watch.look(dead, paper)
    assert (len(dead.told), len(paper.told)) == (1, 1)


def test_hours_before_a_loss_it_is_told_once_more(watch: Watch) -> None:
    until = NOW + timedelta(hours=24)
    watch.queue.put_many([failure(n, dataset="members", until=until) for n in range(3)])
    paper = Paper()
    watch.look(paper)
    watch.clock.held = until - timedelta(hours=7)
    assert watch.look(paper) == []
    watch.clock.held = until - timedelta(hours=5)
    [alert] = watch.look(paper)
    assert (alert.concern, alert.severity) == ("nearly_lost", "page")
    assert alert.subject == "3 dead letters will be lost for ever, the first at 2026-10-16 00:10 UTC"
    assert watch.look(paper) == []


def test_what_is_lost_expires_and_is_told_as_lost_and_nobody_is_told_to_retry_it(watch: Watch) -> None:
    letter = watch.queue.put(failure(1, dataset="members", until=NOW - timedelta(minutes=1)))
    [alert] = watch.look(Paper())
    assert watch.queue.get(letter).state == "expired"
    assert alert.subject == "1 dead letter for 2026-10-14 can never be had any more"
    assert "1 × members of 2026-10-14" in alert.body
    assert "retry" not in alert.body
    assert watch.look(Paper()) == []


def test_what_a_later_fetch_holds_is_neither_about_to_be_lost_nor_lost(watch: Watch) -> None:
    until = NOW + timedelta(hours=5)
    letters = watch.queue.put_many([failure(n, dataset="traffic_views", until=until) for n in (1, 2)])
    watch.stage(entry("traffic_views", "repository/1", day=date(2026, 10, 16)))
    [new, nearly] = watch.look(Paper())
    assert (new.letters, nearly.letters) == (2, 1)
    watch.clock.held = until
    watch.look(Paper())
    covered, lost = (watch.queue.get(letter) for letter in letters)
    assert (covered.state, covered.covered_by) == ("resolved", date(2026, 10, 16))
    assert lost.state == "expired"


def test_a_secret_in_a_failure_is_in_no_message(watch: Watch) -> None:
    watch.queue.put(failure(1, message="GET https://user:hunter2hunter2@host/ with ghp_0123456789abcdefghij failed"))
    [alert] = watch.look(Paper())
    assert "hunter2" not in alert.body
    assert "ghp_0123" not in alert.body


def test_letters_of_an_accepted_gap_are_quiet_until_it_ends(watch: Watch) -> None:
    watch.accept(DAY, ("mem*", "github.com/*", "2026-10-16"))
    watch.queue.put_many([failure(1, dataset="members"), failure(2, dataset="issues")])
    paper = Paper()
    watch.look(paper)
    assert [(alert.letters, alert.dataset) for alert in paper.told] == [(1, "issues")]
    watch.queue.put(failure(1, dataset="members", day=date(2026, 10, 16)))
    watch.look(paper)
    assert [alert.dataset for alert in paper.told] == ["issues", "members"]
