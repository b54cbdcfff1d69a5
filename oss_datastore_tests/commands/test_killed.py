"""A run that is killed in the middle of a fetch goes on where it was; so does a retry, once its lease is over."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import STATES, DeadLetterQueue
from oss_datastore.dead_letters.embedded import EmbeddedPostgres
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.ledger import SETTLED, State
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.scopes import is_asked_for
from oss_datastore.staging.store import LocalStore
from oss_datastore_tests.commands.homes import CANARY, DAY, PLENTY, after, command, environment, words
from oss_datastore_tests.staging.fetching import differences, entries, fetch_all, fetcher, load

# A part for every settled scope and one caller at a time: so a kill meets a half-finished answer set.
NARROW = ("traffic_*", "issue*", "pull_request*", "review_requests", "members", "team*")
"""What is fetched: enough to be killed in the middle of, and no longer than that."""

SMALL = (
    "from oss_datastore.staging import fetch, lines\n"
    "lines.StageWriter.__init__.__kwdefaults__['part_seconds'] = 0.0\n"
    "fetch.Fetcher.workers = 1\nfetch.Fetcher.__init__.__defaults__ = tuple(1 if d == 8 else d for d in "
    "fetch.Fetcher.__init__.__defaults__)"
)

BRIEF = f"{SMALL}\nfrom oss_datastore import retrying\nretrying.retry_chosen.__kwdefaults__['lease_seconds'] = 2.0"


def asked(simulator: Simulator) -> Counter[str]:
    return Counter(e.target.partition("?")[0] for e in simulator.log if e.target.startswith("/repos/"))


def test_finished_scopes_are_not_asked_again_and_the_tables_are_those_of_an_uninterrupted_run(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Simulator(repos=6, now=after(DAY), tokens={CANARY: "owner"}, limits=PLENTY, latency_ms=60) as github:
        env = environment(github, home, OSS_DATASTORE_DATASETS=",".join(NARROW))
        arguments = ("run", "--day", DAY.isoformat(), "--select", "group:staging")
        with (tmp_path / "first.log").open("w") as log:
            first = subprocess.Popen(words(arguments, SMALL), env=env, cwd=tmp_path, stdout=log, stderr=log)
            staging = Staging(LocalStore(home / "store"))
            until = time.monotonic() + 120
            while time.monotonic() < until and first.poll() is None:
                ledger = staging.ledger("issue_comments", DAY) if home.exists() else {}
                if any(entry.state is State.complete for entry in ledger.values()):
                    break
                time.sleep(0.02)
            assert first.poll() is None, (tmp_path / "first.log").read_text()
            first.send_signal(signal.SIGKILL)
            first.wait()
        before = {(e.dataset, e.scope): e.state for e in entries(Staging(LocalStore(home / "store")), DAY)}
        finished = {key for key, state in before.items() if state in SETTLED}
        pending = {key for key, state in before.items() if state is State.pending}
        assert finished
        assert pending, "the kill came too late to show anything"
        names = {
            f"127.0.0.1/repository/{repo['id']}": repo["full_name"]
            for line in staging.lines("repositories", DAY)
            for repo in [
                {"id": node["databaseId"], "full_name": node["nameWithOwner"]}
                for node in line.payload["data"]["organization"]["repositories"]["nodes"]
            ]
        }
        github.application.log.clear()
        try:
            second = command(*arguments, env=env, cwd=tmp_path)
        finally:
            EmbeddedPostgres(home).stop()
        assert second.returncode == 0, second.stdout + second.stderr
        again = asked(github)
        ends = {"issues": "/issues", "issue_comments": "/issues/comments", "traffic_views": "/traffic/views"}
        for dataset, scope in finished:
            if dataset in ends:
                assert again[f"/repos/{names[scope]}{ends[dataset]}"] == 0, f"{dataset} of {scope} was asked again"
        assert any(again[f"/repos/{names[s]}{ends[d]}"] for d, s in pending if d in ends)
        github.application.latency = 0.0
        whole = fetcher(github, tmp_path / "whole", now=after(DAY), role=CANARY, datasets=NARROW)
        fetch_all(whole, DAY)
    resumed = Staging(LocalStore(home / "store"))
    assert {e.state for e in entries(resumed, DAY)} <= SETTLED
    assert len(resumed.days("issues")) == 1
    asked_for = [s.name for s in ANSWER_SETS.values() if any(is_asked_for(d.name, NARROW) for d in s.datasets)]
    assert all(resumed.is_staged(name, DAY) for name in asked_for)
    assert differences(load(resumed, [DAY]), load(whole.staging, [DAY])) == {}


def test_a_killed_retry_gives_its_letters_back_and_the_next_one_fetches_what_is_left_and_nothing_twice(
    tmp_path: Path, queue_url: str
) -> None:
    home, failing = tmp_path / "home", ("traffic_clones", "traffic_referrers")
    with (
        Simulator(repos=3, now=after(DAY), tokens={CANARY: "owner"}, limits=PLENTY) as github,
        closing(DeadLetterQueue(queue_url, clock=Clock(after(DAY)))) as queue,
    ):
        github.set_faults("server_error@/repos/*/traffic/*=1:sticky")
        run = fetcher(github, home / "store", queue, now=after(DAY), role=CANARY)
        for name in ("organizations", "repositories", *failing):
            run.fetch(name, DAY)
        github.set_faults(None)
        letters = {letter.id: letter.dataset for letter in queue.list()}
        assert set(letters.values()) == set(failing)
        github.application.latency = 0.25
        env = environment(github, home, DLQ_URL=queue_url)
        arguments = ("dlq", "retry", "--due", "--no-load")
        with (tmp_path / "first.log").open("w") as log:
            first = subprocess.Popen(words(arguments, BRIEF), env=env, cwd=tmp_path, stdout=log, stderr=log)
            until = time.monotonic() + 60
            while first.poll() is None and time.monotonic() < until and not queue.list(states=("resolved",)):
                time.sleep(0.02)
            first.send_signal(signal.SIGKILL)
            first.wait()
        held = {letter.id for letter in queue.list(states=("retrying",))}
        assert held, (tmp_path / "first.log").read_text()
        assert len(held) < len(letters), "the kill came too early to show anything"
        found = [entry for entry in entries(Staging(LocalStore(home / "store")), DAY) if entry.dataset in failing]
        left = Counter(entry.dataset for entry in found if entry.state not in SETTLED)
        until = time.monotonic() + 30
        while queue.list(states=("retrying",)) and time.monotonic() < until:
            time.sleep(0.1)
        assert {letter.id for letter in queue.list(states=("open",))} == held
        github.application.latency = 0.0
        github.application.log.clear()
        second = command(*arguments, "--json", env=env, cwd=tmp_path)
        assert second.returncode == 0, second.stdout + second.stderr
        assert set(json.loads(second.stdout)["resolved"]) == held
        assert {letter.state for letter in queue.list(states=STATES)} == {"resolved"}
        for number in held:
            steps = [step.to_state for step in queue.history(number)]
            assert steps == ["open", "retrying", "open", "retrying", "resolved"]
        again = Counter(path.rsplit("/", 1)[1] for path in asked(github).elements() if "/traffic/" in path)
        assert again == {dataset.removeprefix("traffic_"): count for dataset, count in left.items()}
        retried = Staging(LocalStore(home / "store"))
        whole = fetcher(github, tmp_path / "whole", now=after(DAY), role=CANARY)
        for name in ("organizations", "repositories", *failing):
            whole.fetch(name, DAY)
    tables = load(retried, [DAY])
    assert tables["traffic_clones"]
    assert differences(tables, load(whole.staging, [DAY])) == {}
