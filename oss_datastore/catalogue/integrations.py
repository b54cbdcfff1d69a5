"""What acts on a repository or organisation without being a person: deploy keys, GitHub Apps, webhooks.

An address that a webhook calls may be a key itself (in its path, query or user part): its host and a digest are kept,
and `without_address` takes the rest out of an answer before it is written anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import urlsplit

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    GraphPart,
    GraphRequest,
    Needs,
    Record,
    RestRequest,
    ScopeKind,
    Table,
    bigint,
    boolean,
    text,
    timestamp,
)

_REPO = bigint("repo_id", "@id", "Numeric id of the repository.", required=True)
_ORG = bigint("org_id", "@id", "Numeric id of the organisation.", required=True)


def _sorted_names(value: Any) -> str:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, came {type(value).__name__}")
    return ",".join(sorted(str(name).lower() for name in value))


def fingerprint(public_key: str) -> str:
    """The SHA256 fingerprint of an OpenSSH public key, as ssh-keygen prints it. Raises ValueError on anything else."""
    parts = public_key.split()
    if len(parts) < 2:
        raise ValueError("expected a type and a key")
    digest = hashlib.sha256(base64.b64decode(parts[1], validate=True)).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


deploy_keys = Dataset(
    Table(
        "deploy_keys",
        (
            _REPO,
            text(
                "fingerprint",
                "key",
                "SHA256 fingerprint of the key; the key is not kept.",
                via=fingerprint,
                required=True,
            ),
            text("key_type", "key", "ssh-ed25519, ssh-rsa and so on.", via=lambda key: key.split()[0]),
            text("title", description="What it was called."),
            boolean("is_read_only", "readOnly|read_only", "It cannot push."),
            boolean("is_verified", "verified", "GitHub knows who added it."),
            timestamp("created_at", "createdAt|created_at", "When it was added."),
        ),
        key=("repo_id", "fingerprint"),
        hash_keys={"repo_hk": ("repo_id",), "link_repo_deploy_key_hk": ("repo_id", "fingerprint")},
        hash_diffs={"sat_repo_deploy_key": ("key_type", "title", "is_read_only", "is_verified", "created_at")},
        description="One row per repository, deploy key and UTC day.",
    ),
    subject="integrations",
    scope_kind=ScopeKind.repository,
    addressable=Addressable.snapshot,
    needs=Needs.push,
    description="SSH keys that read or write a repository without belonging to a person.",
    permission="Administration: read",
    classic_scope="repo",
)


def _permissions(value: Any) -> str:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, came {type(value).__name__}")
    return ",".join(f"{name}={level}" for name, level in sorted(value.items()))


app_installations = Dataset(
    Table(
        "app_installations",
        (
            _ORG,
            bigint("installation_id", "id", "GitHub's numeric id of the installation.", required=True),
            bigint("app_id", description="Numeric id of the app."),
            text("app_slug", description="Name of the app in addresses."),
            text("repository_selection", description="all or selected repositories."),
            text("permissions", description="What it may do: permission=level, sorted.", via=_permissions),
            text("events", description="Events it is told of, sorted.", via=_sorted_names),
            timestamp("created_at", description="When it was installed."),
            timestamp("updated_at", description="When it last changed."),
            timestamp("suspended_at", description="When it was suspended."),
            bigint("suspended_by_id", "suspended_by.id", "Who suspended it."),
        ),
        key=("installation_id",),
        hash_keys={"org_hk": ("org_id",), "link_org_app_installation_hk": ("org_id", "installation_id")},
        hash_diffs={
            "sat_org_app_installation": (
                "app_id",
                "app_slug",
                "repository_selection",
                "permissions",
                "events",
                "created_at",
                "suspended_at",
                "suspended_by_id",
            ),
        },
        each="installations",
        description="One row per GitHub App installed in the organisation and UTC day.",
    ),
    subject="integrations",
    scope_kind=ScopeKind.organization,
    addressable=Addressable.snapshot,
    needs=Needs.push,
    description="GitHub Apps installed in the organisation, with what each may do.",
    permission="Organization administration: read (organisation owner)",
    classic_scope="admin:org",
    is_object=True,
    actors=("suspended_by",),
)


def without_address(hook: Any) -> Any:
    """The webhook with the host of its address and a digest in place of the address, and whether it has a secret.

    Made of itself it is the same again.
    """
    config = hook.get("config") if isinstance(hook, dict) else None
    if not isinstance(config, dict):
        return hook
    kept = {name: value for name, value in config.items() if name in ("content_type", "insecure_ssl", "url_md5")}
    if isinstance(config.get("url"), str):
        kept = {"url": f"//{_host(config['url'])}", "url_md5": _digest(config["url"])} | kept
    return {**hook, "config": {**kept, "has_secret": bool(config.get("secret") or config.get("has_secret"))}}


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _digest(url: str) -> str:
    return hashlib.md5(url.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _has_secret(record: Record) -> bool | None:
    config = record.item.get("config")
    if not isinstance(config, dict):
        return None
    return bool(config.get("secret") or config.get("has_secret"))


def _webhooks(name: str, owner: Column, hub: str, whose: str, **more: Any) -> Dataset:
    return Dataset(
        Table(
            name,
            (
                owner,
                bigint("webhook_id", "id", "GitHub's numeric id of the webhook.", required=True),
                boolean("is_active", "active", "It is called."),
                text("events", description="Events it is called for, sorted; * is all.", via=_sorted_names),
                text(
                    "url_host", "config.url", "Host it calls; path and query may be a key and are not kept.", via=_host
                ),
                text("url_md5", "config.url_md5|config.url", "Tells addresses of one host apart.", via=_once_digested),
                text("content_type", "config.content_type", "json or form."),
                text("insecure_ssl", "config.insecure_ssl", "1 where certificates are not checked."),
                boolean("has_secret", of=_has_secret, description="It signs what it sends."),
                timestamp("created_at", description="When it was made."),
                timestamp("updated_at", description="When it last changed."),
            ),
            key=("webhook_id",),
            hash_keys={
                "webhook_hk": ("webhook_id",),
                f"{hub}_hk": (owner.name,),
                f"link_{hub}_webhook_hk": (owner.name, "webhook_id"),
            },
            hash_diffs={
                # A satellite has one source: two lists of hooks are two satellites of one hub.
                "sat_webhook" if hub == "repo" else f"sat_{hub}_webhook": (
                    "is_active",
                    "events",
                    "url_host",
                    "url_md5",
                    "content_type",
                    "insecure_ssl",
                    "has_secret",
                    "created_at",
                ),
            },
            description=f"One row per webhook of the {whose} and UTC day.",
        ),
        subject="integrations",
        addressable=Addressable.snapshot,
        needs=Needs.push,
        description=f"Webhooks of the {whose}: whom GitHub tells what, without address and secret.",
        scrub=without_address,
        **more,
    )


def _once_digested(value: str) -> str:
    return value if len(value) == 32 and value.isalnum() else _digest(value)


webhooks = _webhooks(
    "webhooks",
    _REPO,
    "repo",
    "repository",
    scope_kind=ScopeKind.repository,
    permission="Webhooks: read",
    classic_scope="read:repo_hook",
)
organization_webhooks = _webhooks(
    "organization_webhooks",
    _ORG,
    "org",
    "organisation",
    scope_kind=ScopeKind.organization,
    permission="Organization webhooks: read (organisation owner)",
    classic_scope="admin:org_hook",
)

ANSWER_SETS = (
    AnswerSet(
        "deploy_keys",
        (deploy_keys,),
        (
            GraphRequest(
                "repository_deploy_keys",
                "nodes",
                ScopeKind.repository,
                50,
                (
                    GraphPart(
                        "deploy_keys",
                        scope_each=True,
                        path="deployKeys.nodes",
                        inner="deployKeys",
                        overflow="deploy_keys_of_one",
                    ),
                ),
                batch=True,
            ),
            RestRequest("/repos/{repo}/keys", ("deploy_keys",), means={"not_found": "forbidden"}),
        ),
        priority=6,
        cost="1 point per 50 repositories",
    ),
    AnswerSet(
        "app_installations",
        (app_installations,),
        (
            RestRequest(
                "/orgs/{org}/installations",
                ("app_installations",),
                ScopeKind.organization,
                means={"not_found": "forbidden"},
            ),
        ),
        priority=6,
        cost="1 request per organisation",
    ),
    AnswerSet(
        "webhooks",
        (webhooks,),
        (RestRequest("/repos/{repo}/hooks", ("webhooks",), means={"not_found": "forbidden"}),),
        priority=9,
        every_days=7,
        cost="1 request per repository, once a week",
    ),
    AnswerSet(
        "organization_webhooks",
        (organization_webhooks,),
        (
            RestRequest(
                "/orgs/{org}/hooks",
                ("organization_webhooks",),
                ScopeKind.organization,
                means={"not_found": "forbidden"},
            ),
        ),
        priority=9,
        every_days=7,
        cost="1 request per organisation, once a week",
    ),
)
