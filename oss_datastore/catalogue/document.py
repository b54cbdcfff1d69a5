"""docs/datasets.md as the catalogue gives it: what is tracked, how it is asked for, and what is kept of it.

`python -m oss_datastore.catalogue.document` writes the file; a test compares it. Nothing is said here that the
declarations do not say.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from oss_datastore.catalogue import ACTORS, ANSWER_SETS
from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Dataset,
    FileRequest,
    GraphRequest,
    Needs,
    RestRequest,
    ScopeKind,
    Table,
)

FILE = Path(__file__).resolve().parents[2] / "docs" / "datasets.md"

_HEAD = """# Datasets
Made from `oss_datastore/catalogue` by `python -m oss_datastore.catalogue.document`: change the declarations, not this
page.

A dataset is what we track of GitHub under one name: one staged asset, one line of the ledger per scope and day, one
table in `psa` (and further ones made of the same answers). Whatever account an answer names also becomes a row of
`psa_pii.actors`, the one table of logins. `oss-datastore doctor` says which of the permissions below a token lacks.

## Words
"""

ADDRESSABLE = {
    Addressable.window: (
        "GitHub serves the last fourteen UTC days: rows up to the day are kept",
        "13 days after the day began",
    ),
    Addressable.since: ("what changed up to the day, by the records' own times", "open"),
    Addressable.history: ("everything up to the day, by the records' own dates", "open"),
    Addressable.snapshot: ("the list as it was seen on the day after", "one day after the day's close"),
    Addressable.feed: ("what was new on the day", "30 days after the day began"),
}
"""What an older day can still give, and until when it can be asked for, in words."""

NEEDS = {
    Needs.anyone: "whoever may read it sees it whole",
    Needs.push: "push access or more (of an organisation: owner); others are refused",
    Needs.owner: "organisation owner; others see a shorter list, which stays `partial`",
}
"""What a token's account must be, in words."""

_SCOPES = {
    ScopeKind.organization: "organisation",
    ScopeKind.repository: "repository",
    ScopeKind.team: "team",
    ScopeKind.user: "account",
    ScopeKind.file: "file",
}


def document() -> str:
    """The whole page."""
    return "\n".join([_HEAD.rstrip(), "", *_words(), *_overview(), *_subjects(), *_accounts()]).rstrip() + "\n"


def ways(answer_set: AnswerSet, dataset: Dataset) -> Iterator[str]:
    """How a dataset is asked for, the first way first: REST paths, GraphQL documents, a file."""
    for request in answer_set.requests:
        if isinstance(request, FileRequest):
            yield f"file `{request.file}`"
        elif isinstance(request, GraphRequest):
            part = next((part for part in request.parts if part.dataset == dataset.name), None)
            if part is not None:
                inside = f", `{part.path}` in each" if part.path else ""
                yield f"GraphQL `{request.document}.graphql` (`{request.connection}`{inside})"
        else:
            yield from _rest_ways(request, dataset)


def _rest_ways(request: RestRequest, dataset: Dataset) -> Iterator[str]:
    if dataset.name in request.datasets:
        fixed = [f"{name}={value}" for name, value in request.params.items()]
        varied = ["&".join(f"{name}={value}" for name, value in variant.items()) for variant in request.variants]
        query = "&".join([*fixed, *([" or ".join(varied)] if any(varied) else [])])
        yield f"REST `GET {request.path}{'?' + query if query else ''}`"
    for inner in request.per_item:
        yield from _rest_ways(inner, dataset)


def _classic_scope(dataset: Dataset) -> str:
    return dataset.classic_scope or "none"


def _words() -> Iterator[str]:
    yield "| addressable | what a day keeps | can be had until |"
    yield "|---|---|---|"
    for word, (kept, until) in ADDRESSABLE.items():
        yield f"| `{word}` | {kept} | {until} |"
    yield ""
    yield "| visibility | who sees the whole list |"
    yield "|---|---|"
    for need, told in NEEDS.items():
        yield f"| `{need}` | {told} |"
    yield ""


def _declared() -> list[tuple[AnswerSet, Dataset]]:
    found = [(answer_set, dataset) for answer_set in ANSWER_SETS.values() for dataset in answer_set.datasets]
    order = list(dict.fromkeys(dataset.subject for _, dataset in found))
    return sorted(found, key=lambda pair: order.index(pair[1].subject))


def _overview() -> Iterator[str]:
    yield "## Overview"
    yield "| dataset | subject | per | asked by | fine-grained permission | classic scope | visibility | addressable |"
    yield "|---|---|---|---|---|---|---|---|"
    for answer_set, dataset in _declared():
        apis = list(dict.fromkeys(way.split(" ")[0] for way in ways(answer_set, dataset)))
        cells = (
            f"[{dataset.name}](#{dataset.name})",
            dataset.subject.replace("_", " "),
            _SCOPES[dataset.scope_kind],
            ", else ".join(apis),
            dataset.permission,
            _classic_scope(dataset),
            f"`{dataset.needs}`",
            f"`{dataset.addressable}`",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""


def _subjects() -> Iterator[str]:
    subject = ""
    for answer_set, dataset in _declared():
        if dataset.subject != subject:
            subject = dataset.subject
            # Not the subject alone: a dataset may be called the same, and links go to its heading.
            yield f"## Datasets: {subject.replace('_', ' ')}"
        yield from _dataset(answer_set, dataset)


def _dataset(answer_set: AnswerSet, dataset: Dataset) -> Iterator[str]:
    _, until = ADDRESSABLE[dataset.addressable]
    yield f"### {dataset.name}"
    yield dataset.description
    yield ""
    yield f"- Asked for: {'; else '.join(dict.fromkeys(ways(answer_set, dataset)))}"
    yield f"- Whole per {_SCOPES[dataset.scope_kind]}; addressable: `{dataset.addressable}`, can be had until: {until}"
    yield f"- Permission: {dataset.permission}; classic scope: {_classic_scope(dataset)}"
    yield f"- Visibility: {NEEDS[dataset.needs]}"
    yield f"- Cost: {answer_set.cost or 'not stated'}"
    for line in _asked_when(answer_set):
        yield f"- {line}"
    others = [other.name for other in answer_set.datasets if other is not dataset]
    if others:
        yield f"- Shares its answers with {', '.join(others)}"
    yield ""
    for table in dataset.tables:
        yield from _table(table)


def _accounts() -> Iterator[str]:
    yield "## Accounts seen in answers"
    yield from _table(ACTORS)


def _asked_when(answer_set: AnswerSet) -> Iterator[str]:
    if answer_set.probe:
        yield f"Asked only where one of these moved in `repositories`: {_names(answer_set.probe)}"
    if answer_set.counts:
        yield f"Listed whole where our number differs from GitHub's: {_names(answer_set.counts)}"
    if answer_set.switch:
        yield f"`disabled` where {' or '.join(f'`{name}`' for name in answer_set.switch)} says that it is off"
    if answer_set.present:
        yield f"Not asked where `{answer_set.present}` is 0"
    if answer_set.every_days > 1:
        yield f"Asked every {answer_set.every_days} days"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(table: Table) -> Iterator[str]:
    personal = " **Personal data.**" if table.schema == "psa_pii" else ""
    yield f"**`{table.schema}.{table.name}`**: {table.description}{personal} Key: {_names(table.key)}."
    if table.snapshot_only:
        yield "Kept only when fetched on the day after."
    if table.hash_keys:
        keys = (f"`{name}` ({', '.join(('host', *parts))})" for name, parts in table.hash_keys.items())
        yield f"Hash keys: {', '.join(keys)}."
    yield ""
    yield "| column | type | |"
    yield "|---|---|---|"
    for column in table.columns:
        # A bar would end the cell.
        yield f"| `{column.name}` | {column.type} | {column.description.replace('|', '/')} |"
    yield ""


def main() -> None:
    """Writes the file."""
    FILE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
