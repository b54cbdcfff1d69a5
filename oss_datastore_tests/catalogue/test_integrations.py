"""Deploy keys, apps and webhooks: what acts without being a person, and nothing by which one could act like it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oss_datastore.catalogue.integrations import fingerprint, without_address
from oss_datastore_tests.catalogue.answers import at, md5, parsed, rows
from oss_datastore_tests.recorded.recordings import needs_recordings, recorded

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f deploy@rocket"
FINGERPRINT = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"


def test_a_deploy_key_is_the_same_row_by_both_apis_and_known_by_its_fingerprint() -> None:
    by_graphql = {
        "id": "MDk6RGVwbG95S2V5MQ==",
        "key": KEY,
        "title": "ci",
        "readOnly": True,
        "verified": True,
        "createdAt": "2026-01-02T03:04:05Z",
    }
    by_rest = {
        "id": 1,
        "key": KEY,
        "url": "https://api.github.com/repos/acme/rocket/keys/1",
        "title": "ci",
        "verified": True,
        "created_at": "2026-01-02T03:04:05Z",
        "read_only": True,
    }
    answer = {"data": {"nodes": [None, {"deployKeys": {"nodes": [by_graphql]}}]}}
    found = rows(parsed("deploy_keys", answer, "data", "nodes", 1, "deployKeys", "nodes"), "deploy_keys")
    assert found == rows(parsed("deploy_keys", [by_rest]), "deploy_keys")
    assert found == [
        {
            "repo_id": 7,
            "fingerprint": fingerprint(KEY),
            "key_type": "ssh-ed25519",
            "title": "ci",
            "is_read_only": True,
            "is_verified": True,
            "created_at": at("2026-01-02T03:04:05"),
        }
    ]
    assert KEY.split()[1] not in json.dumps(found, default=str)


def test_a_fingerprint_is_what_ssh_keygen_prints() -> None:
    assert fingerprint(KEY) == FINGERPRINT


@pytest.mark.parametrize("key", ["", "ssh-rsa", "ssh-rsa not-base64!"])
def test_a_key_that_is_none_is_a_fault(key: str) -> None:
    assert parsed("deploy_keys", [{"id": 1, "key": key, "title": "ci"}]).faults


INSTALLATION: dict[str, Any] = {
    "id": 25381,
    "account": {"login": "acme", "id": 7, "type": "Organization"},
    "repository_selection": "selected",
    "app_id": 2218,
    "app_slug": "builder",
    "permissions": {"metadata": "read", "contents": "write"},
    "events": ["push", "deployment"],
    "created_at": "2017-05-16T08:47:09.000-07:00",
    "updated_at": "2017-06-06T11:23:23.000-07:00",
    "suspended_at": None,
    "suspended_by": {"id": 3, "login": "ada", "type": "User"},
}


def test_an_installed_app_tells_what_it_may_do() -> None:
    answer = {"total_count": 1, "installations": [INSTALLATION]}
    assert rows(parsed("app_installations", answer), "app_installations") == [
        {
            "org_id": 7,
            "installation_id": 25381,
            "app_id": 2218,
            "app_slug": "builder",
            "repository_selection": "selected",
            "permissions": "contents=write,metadata=read",
            "events": "deployment,push",
            "created_at": at("2017-05-16T15:47:09"),
            "updated_at": at("2017-06-06T18:23:23"),
            "suspended_at": None,
            "suspended_by_id": 3,
        }
    ]
    assert parsed("app_installations", {"total_count": 1}).faults


ADDRESS = "https://robot:hunter2@hooks.example:8443/services/T0/B0/abc?key=s3cr3t#part"
HOOK: dict[str, Any] = {
    "type": "Repository",
    "id": 12345678,
    "name": "web",
    "active": True,
    "events": ["push", "pull_request"],
    "config": {"content_type": "json", "insecure_ssl": "0", "url": ADDRESS, "secret": "********"},
    "updated_at": "2019-06-03T00:57:16Z",
    "created_at": "2019-06-03T00:57:16Z",
    "last_response": {"code": None, "status": "unused", "message": None},
}


@pytest.mark.parametrize(("dataset", "owner"), [("webhooks", "repo_id"), ("organization_webhooks", "org_id")])
def test_a_webhook_keeps_the_host_and_a_digest_of_its_address_alone(dataset: str, owner: str) -> None:
    found = rows(parsed(dataset, [HOOK]), dataset)
    assert found == [
        {
            owner: 7,
            "webhook_id": 12345678,
            "is_active": True,
            "events": "pull_request,push",
            "url_host": "hooks.example",
            "url_md5": md5(ADDRESS),
            "content_type": "json",
            "insecure_ssl": "0",
            "has_secret": True,
            "created_at": at("2019-06-03T00:57:16"),
            "updated_at": at("2019-06-03T00:57:16"),
        }
    ]


def test_a_webhook_cleaned_before_it_is_stored_gives_the_same_row_and_holds_no_part_of_the_address() -> None:
    cleaned = without_address(HOOK)
    for part in ("robot", "hunter2", "services", "s3cr3t", "****", "8443"):
        assert part not in json.dumps(cleaned)
    assert without_address(cleaned) == cleaned
    assert rows(parsed("webhooks", [cleaned]), "webhooks") == rows(parsed("webhooks", [HOOK]), "webhooks")
    assert HOOK["config"]["url"] == ADDRESS


@pytest.mark.parametrize("config", [None, {}, {"url": None}, "text"])
def test_a_webhook_without_an_address_is_a_row(config: Any) -> None:
    hook = {**HOOK, "config": config}
    assert rows(parsed("webhooks", [without_address(hook)]), "webhooks")[0]["url_host"] is None
    assert rows(parsed("webhooks", [hook]), "webhooks")[0]["url_md5"] is None


@needs_recordings
def test_recorded_webhooks_are_rows() -> None:
    hooks = [
        exchange["response"]["body"]
        for name in ("repos_owner_repo_hooks_hook_id", "orgs_org_hooks_hook_id")
        for exchange in recorded(f"exchanges/{name}.json")
        if exchange["request"]["method"] == "GET" and exchange["response"]["status"] == 200
    ]
    assert hooks
    found = rows(parsed("webhooks", hooks), "webhooks")
    assert {row["url_host"] for row in found} == {"www.google.com"}
    assert len(found) == len({hook["id"] for hook in hooks})


@needs_recordings
def test_recorded_installations_are_rows() -> None:
    for exchange in recorded("exchanges/user_account_id.json"):
        body = exchange["response"]["body"]
        if isinstance(body, dict) and "installations" in body:
            found = rows(parsed("app_installations", body), "app_installations")
            assert [row["installation_id"] for row in found] == [one["id"] for one in body["installations"]]
