"""A run that is killed in the middle of a fetch goes on where it was; so does a retry, once its lease is over."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue
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


SHORT_LEASE = "from oss_datastore import retrying\nretrying.retry_chosen.__kwdefaults__['lease_seconds'] = 2.0"


def test_a_retry_that_is_killed_gives_its_letters_back_and_the_next_one_brings_them_in_once(
    tmp_path: Path, queue_url: str
) -> None:
    home, days = tmp_path / "home", ("traffic_*",)
    with Simulator(repos=3, now=after(DAY), tokens={CANARY: "owner"}, limits=PLENTY) as github:
        env = environment(github, home, OSS_DATASTORE_DATASETS=",".join(days), DLQ_URL=queue_url)
        queue = DeadLetterQueue(queue_url, clock=Clock(after(DAY)))
        github.set_faults("server_error@/repos/*/traffic/*=1:sticky")
        first = fetcher(github, home / "store", queue, now=after(DAY), role=CANARY, datasets=days)
        fetch_all(first, DAY)
        github.set_faults(None)
        failed = {letter.id for letter in queue.list()}
        assert len(failed) == 12

        github.application.latency = 0.3
        github.application.log.clear()
        arguments = ("dlq", "retry", "--due", "--no-load")
        with (tmp_path / "retry.log").open("w") as log:
            killed = subprocess.Popen(words(arguments, SHORT_LEASE), env=env, cwd=tmp_path, stdout=log, stderr=log)
            until = time.monotonic() + 60
            while time.monotonic() < until and killed.poll() is None and not asked(github):
                time.sleep(0.02)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        github.application.latency = 0.0
        assert asked(github), (tmp_path / "retry.log").read_text()
        assert queue.counts()["retrying"], "the kill came too late to show anything"
        time.sleep(2.5)
        assert {letter.id for letter in queue.list(states=("open",))} <= failed
        assert not queue.counts()["retrying"]

        again = command(*arguments, env=env, cwd=tmp_path)
        assert again.returncode == 0, again.stdout + again.stderr
        assert not queue.list()
        assert {queue.get(number).state for number in failed} == {"resolved"}
        whole = fetcher(github, tmp_path / "whole", now=after(DAY), role=CANARY, datasets=days)
        fetch_all(whole, DAY)
    queue.close()
    retried = Staging(LocalStore(home / "store"))
    assert differences(load(retried, [DAY]), load(whole.staging, [DAY])) == {}
