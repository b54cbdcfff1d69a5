"""`doctor`: whether everything a day needs is there, and what to grant where it is not."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import click

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import FileRequest
from oss_datastore.commands.output import as_json, table
from oss_datastore.commands.rights import Finding, Rights, with_included
from oss_datastore.connections import (
    UnusableHome,
    open_github,
    open_queue,
    open_store,
    open_warehouse,
    prepare_home,
)
from oss_datastore.dead_letters import QueueError
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore.staging.store import StoreError
from oss_datastore.warehouse import WarehouseBusy, WarehouseUnavailable


@click.command(short_help="Check token, role, permissions, store, queue and warehouse.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def doctor(wants_json: bool) -> None:
    """Looks at everything a day needs and says what to grant, dataset by dataset.

    Asks GitHub some thirty small questions for each organisation. Exit code 1 when something is missing.
    """
    from oss_datastore.commands.demo import demo_world

    with demo_world(Settings.load()) as settings:
        findings = [*_secrets(settings), *_places(settings), *_files(settings), *_github(settings)]
    if wants_json:
        as_json([finding.__dict__ for finding in findings])
    else:
        table(("what", "state", ""), [(f.what, f.state, f.told) for f in findings if not f.visibility])
        datasets = [f for f in findings if f.visibility]
        if datasets:
            table(
                ("dataset", "state", "permission", "classic scope", "who sees it whole", ""),
                [(f.what, f.state, f.permission, f.classic_scope, f.visibility, f.told) for f in datasets],
            )
    if any(finding.state == "missing" for finding in findings):
        raise click.exceptions.Exit(1)


def _secrets(settings: Settings) -> Iterator[Finding]:
    for variable, secret in settings.secrets():
        if secret.is_kept_elsewhere:
            place = f"from AWS Secrets Manager: {', '.join(secret.references)}"
            try:
                secret.get_secret_value()
                yield Finding(variable, "ok", place)
            except WrongSetting as why:
                yield Finding(variable, "missing", str(why))


def _places(settings: Settings) -> Iterator[Finding]:
    try:
        yield Finding("home", "ok", str(prepare_home(settings)))
    except UnusableHome as why:
        yield Finding("home", "missing", str(why))
        return
    try:
        store = open_store(settings)
        key = f"doctor/{secrets.token_hex(8)}"
        store.put_if_absent(key, b"written by doctor, removed at once")
        store.delete(key)
        yield Finding("store", "ok", store.url("staging/"))
    except (StoreError, WrongSetting) as why:
        yield Finding("store", "missing", str(why))
    try:
        counts = open_queue(settings).counts()
        waiting = sum(counts["open"].values())
        where = "DLQ_URL" if settings.dlq_url else "embedded PostgreSQL"
        yield Finding("dead letter queue", "ok", f"{where}, {waiting} open letters")
    except QueueError as why:
        yield Finding("dead letter queue", "missing", str(why))
    try:
        warehouse = open_warehouse(settings)
        warehouse.prepare([])
        yield Finding("warehouse", "ok", warehouse.name)
    except (WarehouseBusy, WarehouseUnavailable, WrongSetting) as why:
        yield Finding("warehouse", "missing", str(why))


def _github(settings: Settings) -> Iterator[Finding]:
    try:
        github = open_github(settings)
    except WrongSetting as why:
        yield Finding("token", "missing", str(why))
        return
    if not settings.github_orgs:
        yield Finding("organisations", "missing", "GITHUB_ORGS: is not set")
        return
    try:
        for org in settings.github_orgs:
            yield from _organization(github, org)
    finally:
        github.close()


def _organization(github: GitHub, org: str) -> Iterator[Finding]:
    try:
        limits = github.get("/rate_limit", org=org).payload["resources"]
        told = ", ".join(
            f"{name} {limits[name]['remaining']} of {limits[name]['limit']}"
            for name in ("core", "graphql")
            if name in limits
        )
        seen = github.get(f"/orgs/{org}", org=org)
    except GitHubError as why:
        yield Finding(f"{org}: token", "missing", str(why))
        return
    scopes = frozenset(seen.oauth_scopes) if "x-oauth-scopes" in seen.headers else None
    kind = "fine-grained or of an app" if scopes is None else f"classic, with {', '.join(sorted(scopes)) or 'no scope'}"
    yield Finding(f"{org}: token", "ok", f"accepted: {kind}; left this hour: {told}")
    role = _role(github, org)
    whole = role in ("owner", "app")
    yield Finding(
        f"{org}: role",
        "ok" if whole else "limited",
        role if whole else f"{role}: lists of people are only shown whole to organisation owners, and stay `partial`",
    )
    try:
        repositories = github.get(f"/orgs/{org}/repos", {"per_page": 1, "sort": "pushed"}, org=org).payload
    except GitHubError as why:
        yield Finding(f"{org}: repositories", "missing", str(why))
        return
    one = repositories[0] if repositories else None
    yield from Rights(github, org, whole, with_included(scopes) if scopes is not None else None, one).findings()


def _files(settings: Settings) -> Iterator[Finding]:
    for answer_set in ANSWER_SETS.values():
        for request in answer_set.requests:
            if isinstance(request, FileRequest):
                yield Finding(f"file: {answer_set.name}", "ok", _file(settings.files, request.file))


def _file(folder: Path | None, name: str) -> str:
    if folder is None:
        return "not used: OSS_DATASTORE_FILES is not set"
    return str(folder / name) if (folder / name).exists() else f"not used: there is no {name} in {folder}"


def _role(github: GitHub, org: str) -> str:
    try:
        payload = github.get(f"/user/memberships/orgs/{org}", org=org).payload
    except GitHubError as why:
        if why.kind == "forbidden" and "integration" in str(why).lower():
            return "app"
        return "no member" if why.kind in ("not_found", "forbidden") else f"unknown ({why.kind})"
    return "owner" if payload.get("role") == "admin" else "member"
