"""`doctor`: whether everything a day needs is there, and what to grant where it is not."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import click
from rich.padding import Padding
from rich.text import Text

from oss_datastore.catalogue import ANSWER_SETS
from oss_datastore.catalogue.model import FileRequest
from oss_datastore.commands.output import as_json, console, table
from oss_datastore.commands.progress import working
from oss_datastore.commands.rights import ONLY_OWNERS, Finding, Rights, with_included
from oss_datastore.connections import open_github, open_queue, open_store, open_warehouse, prepare_home
from oss_datastore.github import GitHub, GitHubError
from oss_datastore.redaction import redact_text
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore.warehouse import WarehouseBusy

_PLACES = ("home", "store", "dead letter queue", "warehouse")

_PATIENCE_SECONDS = 1.0
"""So long a writer of the warehouse is waited for: that there is one is what is to be known."""


@click.command(short_help="Check token, role, permissions, store, queue and warehouse.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON.")
def doctor(wants_json: bool) -> None:
    """Looks at everything a day needs and says what to grant, dataset by dataset.

    Asks GitHub some thirty small questions for each organisation. Exit code 1 when something is missing.
    """
    from oss_datastore.commands.demo import demo_world

    with demo_world(Settings.load()) as settings, working("asking GitHub, store, queue and warehouse"):
        findings = [*_secrets(settings), *_places(settings), *_files(settings), *_github(settings)]
    if wants_json:
        as_json([finding.__dict__ for finding in findings])
    else:
        _show(findings)
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


def verdict_of(findings: Sequence[Finding]) -> str:
    """The first line: whether a day can be run, and how many datasets the token sees whole."""
    missing = [finding.what for finding in findings if finding.state == "missing"]
    datasets = [finding for finding in findings if finding.visibility]
    narrow = sum(finding.state != "ok" for finding in datasets)
    seen = f"{len(datasets) - narrow} of {len(datasets)} datasets can be read whole" if datasets else ""
    if missing:
        return f"Not ready, not ok: {', '.join(missing)}." + (f" {seen}." if seen else "")
    return f"Ready: {seen}" + (f"; what the other {narrow} need stands below." if narrow else ".")


def _show(findings: Sequence[Finding]) -> None:
    datasets = [finding for finding in findings if finding.visibility]
    others = [finding for finding in findings if not finding.visibility]
    states = {finding.state for finding in findings}
    colour = "red" if "missing" in states else "yellow" if "limited" in states else "green"
    console.print(verdict_of(findings), style=f"bold {colour}", markup=False)
    for org in dict.fromkeys(finding.what.partition(": ")[0] for finding in datasets):
        _show_datasets(org, [finding for finding in datasets if finding.what.startswith(f"{org}: ")])
    console.print()
    words = {"ok": "ok", "limited": "in part", "missing": "not ok"}
    table(("what", "state", ""), [(f.what, words[f.state], f.told) for f in _files_last(others)])


def _show_datasets(org: str, findings: Sequence[Finding]) -> None:
    """What to do, with what it opens; then each dataset, how much of it is seen, and GitHub's permission."""
    advice: dict[str, list[str]] = {}
    for finding in findings:
        if finding.state != "ok":
            advice.setdefault(finding.told.partition(" (forbidden for ")[0], []).append(_dataset(finding))
    if advice:
        console.print(f"\nwhat to do in {org}", style="bold", markup=False)
    for told, names in sorted(advice.items(), key=lambda item: -len(item[1])):
        console.print(told, markup=False)
        console.print(Padding(Text(f"for {', '.join(names)}"), (0, 0, 0, 4), expand=False))
    console.print()
    table(
        (f"dataset of {org}", "seen", "permission"),
        [(_dataset(f), _seen(f), f.permission.partition(" (")[0].partition(", by ")[0]) for f in findings],
    )


def _dataset(finding: Finding) -> str:
    return finding.what.partition(": ")[2]


def _files_last(findings: Sequence[Finding]) -> list[Finding]:
    """GitHub, then places, then the file sources, which are one line where none is used."""
    files = [finding for finding in findings if finding.what.startswith("file: ")]
    places = [finding for finding in findings if finding.what in _PLACES]
    rest = [finding for finding in findings if finding not in files and finding not in places]
    if len({finding.told for finding in files}) == 1:
        files = [replace(files[0], what="file sources")]
    return [*rest, *places, *files]


def _seen(finding: Finding) -> str:
    """How much of a dataset the token sees, in a word."""
    if finding.state == "ok":
        return "off" if finding.told.startswith("switched off") else "whole"
    return "in part" if finding.told == ONLY_OWNERS else "no"


def _places(settings: Settings) -> Iterator[Finding]:
    """Home, store, queue and warehouse; one that is away does not keep the others from being looked at."""
    home = _place("home", lambda: str(prepare_home(settings)))
    yield home
    if home.state == "ok":
        yield _place("store", lambda: _store(settings))
        yield _place("dead letter queue", lambda: _queue(settings))
        yield _place("warehouse", lambda: _warehouse(settings))


def _place(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, "ok", look())
    except Exception as why:
        lines = str(why).strip().splitlines() or [type(why).__name__]
        return Finding(what, "missing", redact_text(lines[0]))


def _store(settings: Settings) -> str:
    store = open_store(settings)
    key = f"doctor/{secrets.token_hex(8)}"
    store.put_if_absent(key, b"written by doctor, removed at once")
    store.delete(key)
    return unquote(store.url("staging/").removeprefix("file://"))


def _queue(settings: Settings) -> str:
    counts = open_queue(settings).counts()
    where = "DLQ_URL" if settings.dlq_url else "embedded PostgreSQL"
    return f"{where}, {sum(counts['open'].values())} open letters"


def _warehouse(settings: Settings) -> str:
    warehouse = open_warehouse(settings, wait_seconds=_PATIENCE_SECONDS, tell=lambda message: None)
    try:
        warehouse.prepare([])
    except WarehouseBusy:
        return f"{warehouse.name}, being written to by another process at the moment"
    return warehouse.name


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
