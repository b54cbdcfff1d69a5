"""Who is forgotten is in nothing that is staged, does not come back, and takes nobody else along."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.simulator.server import Simulator
from oss_datastore.staging.forgetting import rewrite_staged
from oss_datastore.staging.lines import Staging
from oss_datastore.staging.store import LocalStore, RawStore
from oss_datastore.staging.suppression import Suppression
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader, ask
from oss_datastore_tests.staging.fetching import DAY, PLENTY, MemoryLetters, after, fetcher
from oss_datastore_tests.staging.store_fixtures import fresh_s3_store

NEXT = DAY + timedelta(days=1)
ALICE = {"login": "alice", "id": 7, "html_url": "https://github.com/alice", "email": "a@example.org"}
BOB = {"login": "bob", "id": 8}


@pytest.fixture
def forgotten(tmp_path: Path) -> Suppression:
    """A list with alice, who was alice-old before."""
    return Suppression.extend(LocalStore(tmp_path / "list"), 7, ["alice", "alice-old"])


def line(payload: Any, scope: str = "github.com/repository/1", path: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {"parts": [["some", scope, list(path)]], "request": {"url": "https://api.github.com/x"}, "payload": payload}


def scrubbed(suppression: Suppression, payload: Any, **more: Any) -> Any:
    found = suppression.line(line(payload, **more))
    assert found is not None
    return found["payload"]


def test_the_list_holds_hashes_and_is_made_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    first = Suppression.extend(store, 7, ["Alice"])
    again = Suppression.extend(store, 7, ["alice"])
    assert first.has_login("ALICE")
    assert (again.has_user(7), again.has_user("7"), again.has_user(8)) == (True, True, False)
    assert (again.has_login("bob"), again.has_login(None)) == (False, False)
    assert len(list(store.list("suppression/entries/"))) == 2
    assert not any("alice" in key for key in store.list(""))
    assert not Suppression.read(LocalStore(tmp_path / "other"))


def test_who_is_named_by_a_record_becomes_nobody_and_the_record_stays(forgotten: Suppression) -> None:
    issue = {"id": 1, "title": "by @alice", "user": ALICE, "assignees": [ALICE, BOB], "closed_by": None}
    assert scrubbed(forgotten, [issue]) == [
        {"id": 1, "title": "by @alice", "user": None, "assignees": [BOB], "closed_by": None}
    ]


@pytest.mark.parametrize(
    "record",
    [
        ALICE,
        {"login": "renamed-since", "id": 7},
        {"login": "Alice-Old"},
        {"id": 99, "login": "alice", "email": "a@example.org", "inviter": BOB},
        {"person": "alice", "repository": "acme/x"},
        {"node": {"login": "alice", "databaseId": 7}, "role": "ADMIN"},
        {"starred_at": "2026-01-01T00:00:00Z", "user": ALICE},
        {"author": ALICE, "total": 3, "weeks": []},
        {"requestedReviewer": {"login": "alice"}, "asCodeOwner": False},
        {"id": 5, "full_name": "alice/x", "owner": ALICE},
    ],
)
def test_a_record_about_nothing_else_is_left_out(forgotten: Suppression, record: dict[str, Any]) -> None:
    assert scrubbed(forgotten, [BOB, record]) == [BOB]


def test_commits_keep_their_times_and_lose_their_signature(forgotten: Suppression) -> None:
    signature = {"name": "Alice A.", "email": "a@example.org", "date": "2026-01-01T00:00:00Z"}
    rest = {"sha": "1", "author": ALICE, "committer": BOB, "commit": {"author": signature, "committer": signature}}
    found = scrubbed(forgotten, [rest])[0]
    assert found["author"] is None
    assert found["commit"]["author"] == {"name": None, "email": None, "date": "2026-01-01T00:00:00Z"}
    assert found["commit"]["committer"] == signature
    graph = {"oid": "1", "author": {**signature, "user": {"login": "alice", "databaseId": 7}}}
    assert scrubbed(forgotten, [graph])[0]["author"] == {
        "name": None,
        "email": None,
        "date": "2026-01-01T00:00:00Z",
        "user": None,
    }


def test_names_of_repositories_and_addresses_lose_the_owner(forgotten: Suppression) -> None:
    head = {"label": "alice:fix", "ref": "alice", "repo": {"full_name": "alice/x", "url": "https://h/repos/alice/x"}}
    assert scrubbed(forgotten, {"head": head, "html_url": "https://github.com/acme/alice"}) == {
        "head": {
            "label": "ghost:fix",
            "ref": "alice",
            "repo": {"full_name": "ghost/x", "url": "https://h/repos/ghost/x"},
        },
        "html_url": "https://github.com/acme/alice",
    }


def test_a_list_into_which_parts_point_keeps_its_length(forgotten: Suppression) -> None:
    payload = {"data": {"nodes": [{"login": "alice", "databaseId": 7}, {"login": "bob", "databaseId": 8}]}}
    parts = [["users", f"github.com/user/{n}", ["data", "nodes", i]] for i, n in enumerate((7, 8))]
    found = forgotten.line({"parts": parts, "payload": payload})
    assert found is not None
    assert found["parts"] == [["users", "github.com/user/8", ["data", "nodes", 1]]]
    assert found["payload"]["data"]["nodes"] == [None, {"login": "bob", "databaseId": 8}]
    assert forgotten.line({"parts": parts[:1], "payload": payload}) is None


def test_nothing_changes_for_others(forgotten: Suppression) -> None:
    # Somebody else bears the login by now, and an invitation's number happens to be the account's.
    next_bearer, invitation = {"login": "alice", "id": 9}, {"id": 7, "login": "bob", "inviter": BOB}
    assert scrubbed(forgotten, [next_bearer, invitation]) == [next_bearer, invitation]
    payload = [{"user": BOB, "body": "alice", "deep": [{"full_name": "bob/alice", "n": 7, "none": None}]}]
    assert scrubbed(forgotten, payload) == payload


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RawStore]:
    """Each kind of store; the bucket keeps versions."""
    if request.param == "folder":
        yield LocalStore(tmp_path / "store")
        return
    bucket = fresh_s3_store(request.getfixturevalue("moto_s3"), prefix="kept")
    versions = {"Status": "Enabled"}
    bucket._client.put_bucket_versioning(Bucket=bucket.bucket, VersioningConfiguration=versions)
    yield bucket


def test_a_rewritten_object_leaves_no_older_version(store: RawStore) -> None:
    store.put_if_absent("staging/a", b"alice")
    store.rewrite("staging/a", b"nobody")
    store.rewrite("staging/a", b"nobody")
    assert store.get("staging/a") == b"nobody"
    client = getattr(store, "_client", None)
    if client is not None:
        versions = client.list_object_versions(Bucket=store.bucket)["Versions"]  # type: ignore[attr-defined]
        assert [(v["Key"], v["IsLatest"]) for v in versions] == [("kept/staging/a", True)]


def staged_text(staging: Staging) -> str:
    """Everything staged but what people wrote, unpacked."""
    texts = []
    for key in staging.store.list("staging/"):
        data = staging.store.get(key)
        texts.append((gzip.decompress(data) if key.endswith(".gz") else data).decode())
    return re.sub(r'"(body|bodyText|title|message|description)":"(?:[^"\\]|\\.)*"', "", "\n".join(texts))


def test_a_person_leaves_all_that_is_staged_and_the_next_fetch_brings_nobody_back(tmp_path: Path) -> None:
    with Simulator(orgs=("acme",), repos=3, now=after(DAY), limits=PLENTY) as github:

        def fetch(day: Any) -> Staging:
            github.set_now(after(day))
            loop = fetcher(github, tmp_path / "store", now=after(day), organizations=("acme",))
            for name in ANSWER_SETS:
                loop.fetch(name, day)
            return loop.staging

        staging = fetch(DAY)
        found = re.findall(r'"login":"([\w-]+)"[^{}]*?"databaseId":(\d+)', staged_text(staging))
        found += [(b, a) for a, b in re.findall(r'"databaseId":(\d+)[^{}]*?"login":"([\w-]+)"', staged_text(staging))]
        login, number = max(set(found), key=found.count)
        assert f'"{login}"' in staged_text(staging)

        suppression = Suppression.extend(staging.store, int(number), [login])
        first = rewrite_staged(staging.store, suppression)
        assert first.changed > 0
        assert rewrite_staged(staging.store, suppression).changed == 0
        assert f'"{login}"' not in staged_text(staging)
        assert f"/{login}" not in staged_text(staging)

        staging = fetch(NEXT)
        assert f'"{login}"' not in staged_text(staging)

    loader = PsaLoader(staging, DuckDbWarehouse(tmp_path / "warehouse.duckdb"), MemoryLetters())
    for name in ANSWER_SETS:
        assert loader.load(name, [DAY, NEXT]).faults == 0, name
    loader.load_actors([DAY, NEXT])
    _, rows = ask(loader.warehouse, f"select * from psa_pii.actors where user_id = {number} or login = '{login}'")
    assert rows == []
    _, others = ask(loader.warehouse, "select count(distinct user_id) from psa_pii.actors")
    assert others[0][0] > 3
    _, issues = ask(loader.warehouse, "select count(*) from psa.issues")
    assert issues[0][0] > 0


@pytest.mark.parametrize("record", [{"line": 2, "login": "@alice"}, {"user": ALICE, "type": "finder"}])
def test_a_line_of_a_file_and_a_credit_are_about_the_person_too(forgotten: Suppression, record: dict[str, Any]) -> None:
    assert scrubbed(forgotten, [BOB, record]) == [BOB]


def test_what_was_signed_goes_with_the_signature(forgotten: Suppression) -> None:
    commit = {
        "author": {"name": "A", "email": "a@example.org"},
        "verification": {"payload": "author A <a@example.org>"},
    }
    found = scrubbed(forgotten, [{"sha": "1", "author": ALICE, "commit": commit}])[0]
    assert found["commit"] == {"author": {"name": None, "email": None}, "verification": None}


def test_files_and_requests_name_nobody_either(tmp_path: Path) -> None:
    listed = Suppression.extend(LocalStore(tmp_path), 7, ["alice"], ["U_7"])
    decision = {"person": "bob", "reviewer": "Alice", "decision": "keep"}
    found = listed.line({**line([decision]), "request": {"variables": {"ids": ["U_7", "U_8"], "first": 2}}})
    assert found is not None
    assert found["payload"] == [{"person": "bob", "reviewer": "ghost", "decision": "keep"}]
    assert found["request"]["variables"] == {"ids": ["U_8"], "first": 2}


def test_a_letter_keeps_nothing_of_the_person(forgotten: Suppression) -> None:
    assert forgotten.body(b'{"id":1,"user":{"login":"alice","id":7}}') == b'{"id":1,"user":null}'
    assert forgotten.body(b"alice,Example") is None
    assert forgotten.body(b"bob,Example") == b"bob,Example"
    assert forgotten.words("expected alice once") == "expected ghost once"


def test_versions_that_a_killed_rewriting_left_are_removed_by_the_next(store: RawStore) -> None:
    store.put_if_absent("staging/a", b"alice")
    client = getattr(store, "_client", None)
    if client is not None:
        client.put_object(Bucket=store.bucket, Key="kept/staging/a", Body=b"nobody")  # type: ignore[attr-defined]
    store.put_if_absent("staging/b", b"alice")
    store.delete("staging/b")
    store.purge("staging/")
    if client is not None:
        found = client.list_object_versions(Bucket=store.bucket)  # type: ignore[attr-defined]
        assert [(v["Key"], v["IsLatest"]) for v in found["Versions"]] == [("kept/staging/a", True)]
        assert "DeleteMarkers" not in found
