"""The ledger: days that are missing, data that is stale, sight that was lost, states that changed, gaps that ended."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from oss_datastore.staging.ledger import State, Visibility
from oss_datastore_tests.alerts.conftest import DAY, Paper, Watch, entry

NEXT = DAY + timedelta(days=1)
ORG = "organization/1"


def told(paper: Paper) -> list[str]:
    return [("over: " if alert.recovery else "") + alert.concern for alert in paper.told]


def at(watch: Watch, day: date, hour: int = 1) -> None:
    watch.clock.held = datetime(day.year, day.month, day.day, hour, tzinfo=UTC) + timedelta(days=1)


def test_where_nothing_was_ever_staged_nothing_is_missing(watch: Watch) -> None:
    assert watch.look(Paper()) == []


def test_a_day_that_is_not_staged_by_noon_is_stale_and_over_when_it_is(watch: Watch) -> None:
    watch.stage(entry("members", ORG))
    at(watch, NEXT, 11)
    paper = Paper()
    assert watch.look(paper) == []
    at(watch, NEXT, 12)
    [alert] = watch.look(paper)
    assert (alert.concern, alert.severity) == ("stale", "page")
    assert alert.subject == "Nothing is staged since 2026-10-14: 1 day missing (2026-10-15)"
    assert "- at 2026-10-17 00:00 UTC:" in alert.body
    assert "oss-datastore run" in alert.body
    assert watch.look(paper) == []
    watch.stage(entry("members", ORG, day=NEXT))
    watch.clock.held = datetime(2026, 10, 16, 11, 59, tzinfo=UTC)
    watch.look(paper)
    assert told(paper) == ["stale", "over: stale"]


def test_a_day_that_was_passed_over_is_missing_until_it_is_staged(watch: Watch) -> None:
    for day in (DAY, DAY + timedelta(days=2)):
        watch.stage(entry("members", ORG, day=day))
    at(watch, DAY + timedelta(days=2))
    watch.patterns = ()
    paper = Paper()
    [alert] = watch.look(paper)
    assert alert.subject == "1 day not staged whole: 2026-10-15"
    assert "Lost already:" in alert.body  # snapshots of that day
    assert "Lost for ever unless it is had before:\n- at 2026-10-28 00:00 UTC: 2 × datasets of 2026-10-15" in alert.body
    watch.stage(entry("members", ORG, day=NEXT))
    watch.look(paper)
    assert told(paper) == ["missing_days", "over: missing_days"]


def test_answer_sets_that_were_never_asked_for_are_named_after_noon(watch: Watch) -> None:
    watch.stage(entry("members", ORG))
    at(watch, DAY, 12)
    watch.patterns = ("teams",)
    [alert] = watch.look(Paper())
    assert alert.concern == "missing_days"
    assert "Of 2026-10-14 was never asked: " in alert.body
    assert "teams" in alert.body


def test_a_token_that_was_an_owner_s_yesterday_pages_until_it_is_again(watch: Watch) -> None:
    paper = Paper()
    states = [
        (Visibility.owner, State.complete),
        (Visibility.member, State.partial),
        (Visibility.member, State.partial),
        (Visibility.owner, State.complete),
    ]
    for n, (visibility, state) in enumerate(states):
        day = DAY + timedelta(days=n)
        watch.stage(entry("members", ORG, state, day=day, visibility=visibility))
        at(watch, day)
        watch.look(paper)
    assert told(paper) == ["lost_visibility", "over: lost_visibility"]
    assert paper.told[0].severity == "page"
    assert "members: seen in part" in paper.told[0].body
    assert "oss-datastore doctor" in paper.told[0].body
    assert paper.told[0].dataset == "members"


def test_what_was_complete_and_is_forbidden_is_lost_sight_and_what_was_always_forbidden_is_not(watch: Watch) -> None:
    for day, state in ((DAY, State.complete), (NEXT, State.forbidden)):
        watch.stage(
            entry("traffic_views", "repository/1", state, day=day),
            entry("traffic_paths", "repository/1", State.forbidden, day=day),
        )
    at(watch, NEXT)
    paper = Paper()
    watch.look(paper)
    assert told(paper) == ["lost_visibility"]
    assert "traffic_views: forbidden" in paper.told[0].body
    assert "traffic_paths" not in paper.told[0].body


def test_a_failure_is_no_loss_of_sight_and_no_change_of_state(watch: Watch) -> None:
    for day, state in ((DAY, State.gone), (NEXT, State.failed)):
        watch.stage(entry("members", ORG, state, day=day))
    at(watch, NEXT)
    assert watch.look(Paper()) == []


def test_scopes_that_became_disabled_or_gone_are_one_note(watch: Watch) -> None:
    for day, states in ((DAY, (State.complete, State.complete)), (NEXT, (State.gone, State.disabled))):
        watch.stage(*(entry("issues", f"repository/{n}", state, day=day) for n, state in enumerate(states, 1)))
    at(watch, NEXT)
    paper = Paper()
    watch.look(paper)
    watch.look(paper)
    [note] = paper.told
    assert (note.severity, note.letters) == ("note", 2)
    assert note.subject == "2 scopes changed their state on 2026-10-15"
    assert "issues: complete → disabled" in note.body


def test_an_accepted_gap_is_quiet_and_its_end_is_told_once(watch: Watch) -> None:
    watch.stage(entry("members", ORG))
    watch.accept(DAY, ("members", "*", "2026-10-16"))
    watch.stage(entry("members", ORG, State.forbidden, day=NEXT))
    at(watch, NEXT)
    paper = Paper()
    assert watch.look(paper) == []
    at(watch, date(2026, 10, 16))
    watch.look(paper)
    watch.look(paper)
    assert [alert.subject for alert in paper.told] == ["The accepted gap of members ended on 2026-10-16"]
    assert "no rights (ada)" in paper.told[0].body
    assert paper.told[0].severity == "mail"
