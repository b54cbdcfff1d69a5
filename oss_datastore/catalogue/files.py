"""File sources: what GitHub cannot know and people write down: who somebody is, whose a repository is, what may wait.

Lists that name persons lie in the personal schema. Intervals are half-open like everywhere: the end is the first day
on which something no longer holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from oss_datastore.catalogue.model import (
    Addressable,
    AnswerSet,
    Column,
    Dataset,
    FileRequest,
    Needs,
    Record,
    ScopeKind,
    Table,
    bigint,
    boolean,
    day,
    text,
)

ALWAYS = "0001-01-01"
"""The first day of what a file gives no beginning."""
FOR_EVER = "9999-12-31"
"""The end of what a file gives no end, as open versions have it in the vault."""

_LOGIN = re.compile(r"[A-Za-z0-9_-]{1,100}(\[bot\])?")
_REPOSITORY = re.compile(r"[^\s/@:]+(/[^\s/@:]+)?")
_DATASET = re.compile(r"[a-z_*?\[\]!-]+")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_WILD = re.compile(r"[*?\[]")
_YES = frozenset({"true", "yes", "y", "1", "x"})
_NO = frozenset({"false", "no", "n", "0"})


def _came(value: str) -> str:
    return repr(value if len(value) <= 60 else f"{value[:60]}…")


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, came {type(value).__name__}")
    return value


def _login(value: Any) -> str:
    found = _plain(value).removeprefix("@")
    if not _LOGIN.fullmatch(found):
        raise ValueError(f"expected a login of GitHub such as octocat or @octocat, came {_came(value)}")
    return found


def _login_key(value: Any) -> str:
    return _login(value).lower()


def _repository(value: Any) -> str:
    if not _REPOSITORY.fullmatch(_plain(value)):
        raise ValueError(f"expected owner/name, a name, or a glob such as acme/lib-*, came {_came(value)}")
    return str(value)


def _repository_key(value: Any) -> str:
    return _repository(value).lower()


def _is_glob(value: Any) -> bool:
    return _WILD.search(_plain(value)) is not None


def _dataset(value: Any) -> str:
    if not _DATASET.fullmatch(_plain(value)):
        raise ValueError(f"expected the name of a dataset or a glob such as traffic_*, came {_came(value)}")
    return str(value)


def _address(value: Any) -> str:
    # Not repeated: messages reach logs and channels where nobody's address belongs.
    name, sign, host = _plain(value).rpartition("@")
    if not (name and sign and host) or " " in value:
        raise ValueError("expected an e-mail address such as name@company.example, came something else")
    return str(value)


def _one_of(*words: str) -> Callable[[Any], str]:
    def word(value: Any) -> str:
        found = _plain(value).lower()
        if found not in words:
            raise ValueError(f"expected {', '.join(words[:-1])} or {words[-1]}, came {_came(value)}")
        return found

    return word


def _lower(value: Any) -> str:
    return _plain(value).lower()


def _iso_day(value: Any) -> str:
    if _ISO_DAY.fullmatch(_plain(value)):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise ValueError(f"expected a day as YYYY-MM-DD, came {_came(value)}")


def _valid_from(record: Record) -> str:
    found = record.item.get("valid_from")
    return ALWAYS if found is None else _iso_day(found)


def _valid_to(record: Record) -> str:
    found = record.item.get("valid_to")
    end = FOR_EVER if found is None else _iso_day(found)
    if end <= _valid_from(record):
        raise ValueError(f"expected a day after valid_from ({_valid_from(record)}), came {_came(end)}")
    return end


def _exempt(record: Record) -> bool:
    found = record.item.get("exempt")
    if found is None:
        return False
    word = _plain(found).lower()
    if word not in _YES | _NO:
        raise ValueError(f"expected yes or no, came {_came(found)}")
    return word in _YES


def _line() -> Column:
    return bigint("line", description="Line of the file it was read from; the first is 1.")


def _dataset_of(table: Table, description: str) -> Dataset:
    return Dataset(
        table,
        subject="files",
        scope_kind=ScopeKind.file,
        addressable=Addressable.snapshot,
        needs=Needs.anyone,
        description=description,
        permission=f"{table.name}.csv, readable in the folder OSS_DATASTORE_FILES",
    )


def _answer_set(dataset: Dataset, columns: Mapping[str, tuple[str, ...]], *required: str, **more: Any) -> AnswerSet:
    name = dataset.name
    request = FileRequest(f"{name}.csv", columns, required, **more)
    return AnswerSet(name, (dataset,), (request,), priority=2, cost="nothing: a file is read")


people_directory = _dataset_of(
    Table(
        "people_directory",
        (
            text("login", description="Login as written, without @.", required=True, via=_login),
            text(
                "login_key",
                "login",
                "Login in lower case: GitHub's logins have no case.",
                required=True,
                via=_login_key,
            ),
            text("company", description="Who employs the person."),
            text("company_email", description="Address at the company.", via=_address),
            text(
                "affiliation",
                description="internal (one of ours), external, or bot (a machine with an account of a person's kind).",
                required=True,
                via=_one_of("internal", "external", "bot"),
            ),
            text("status", description="Lower case, in the directory's own words, such as active or left.", via=_lower),
            day("valid_from", description=f"First day; {ALWAYS} where the file gives none.", of=_valid_from),
            day("valid_to", description=f"First day it no longer holds; {FOR_EVER} where it is open.", of=_valid_to),
            _line(),
        ),
        key=("login_key", "valid_from"),
        hash_keys={"ref_people_directory_hk": ("login_key", "valid_from")},
        hash_diffs={
            "ref_people_directory": ("login", "company", "company_email", "affiliation", "status", "valid_to"),
        },
        schema="psa_pii",
        description="One row per person, period and UTC day; the periods of a person do not overlap.",
    ),
    "Which company somebody belongs to, and whether that is ours: one line per person and period.",
)

repository_directory = _dataset_of(
    Table(
        "repository_directory",
        (
            text(
                "repository",
                description="owner/name, a name under any owner, or a glob over either.",
                required=True,
                via=_repository,
            ),
            text(
                "repository_key",
                "repository",
                "The same in lower case: GitHub's names have no case.",
                required=True,
                via=_repository_key,
            ),
            boolean(
                "is_glob",
                "repository",
                "It is a glob. A name counts before a glob, a longer glob before a shorter one.",
                via=_is_glob,
            ),
            text("owner", description="Team or unit that answers for the repository; no person."),
            text("tier", description="How much depends on it, in the company's own words."),
            boolean("exempt", description="Not to be proposed for archiving.", of=_exempt),
            _line(),
        ),
        key=("repository_key",),
        hash_keys={"ref_repository_directory_hk": ("repository_key",)},
        hash_diffs={"ref_repository_directory": ("repository", "owner", "tier", "exempt")},
        description="One row per repository or glob and UTC day.",
    ),
    "Who answers for a repository, how much depends on it, and whether it may lie still.",
)

accepted_gaps = _dataset_of(
    Table(
        "accepted_gaps",
        (
            text("dataset", description="Dataset or glob.", required=True, via=_dataset),
            text("scope_pattern", description="Glob over scopes (host/kind/number); * for all.", required=True),
            text("reason", description="Why the gap is accepted.", required=True),
            text("approver", description="Who accepted it.", required=True),
            day(
                "accepted_until",
                description="First day on which it is accepted no longer.",
                required=True,
                via=_iso_day,
            ),
            _line(),
        ),
        key=("dataset", "scope_pattern"),
        hash_keys={"ref_accepted_gap_hk": ("dataset", "scope_pattern")},
        hash_diffs={"ref_accepted_gap": ("reason", "approver", "accepted_until")},
        schema="psa_pii",
        description="One row per accepted gap and UTC day.",
    ),
    "What need not be whole, until when, and who says so.",
)

access_decisions = _dataset_of(
    Table(
        "access_decisions",
        (
            text("login", description="Whose access: login as written, without @.", required=True, via=_login),
            text(
                "login_key",
                "login",
                "Login in lower case: GitHub's logins have no case.",
                required=True,
                via=_login_key,
            ),
            text(
                "repository",
                description="owner/name, a name under any owner, or a glob over either.",
                required=True,
                via=_repository,
            ),
            text(
                "repository_key",
                "repository",
                "The same in lower case: GitHub's names have no case.",
                required=True,
                via=_repository_key,
            ),
            text(
                "decision",
                description="keep, reduce or revoke.",
                required=True,
                via=_one_of("keep", "reduce", "revoke"),
            ),
            text("reviewer", description="Who decided.", required=True),
            day("decided_on", description="Day of the decision.", required=True, via=_iso_day),
            text("ticket", description="Where the decision is carried out."),
            _line(),
        ),
        key=("login_key", "repository_key", "decided_on"),
        hash_keys={"ref_access_decision_hk": ("login_key", "repository_key", "decided_on")},
        hash_diffs={"ref_access_decision": ("login", "repository", "decision", "reviewer", "ticket")},
        schema="psa_pii",
        description="One row per person, repository, day of the decision and UTC day.",
    ),
    "What an access review decided of a person's access to a repository.",
)

ANSWER_SETS = (
    _answer_set(
        people_directory,
        {
            "login": ("user", "github_login"),
            "company": (),
            "company_email": ("company_e_mail", "email", "e_mail"),
            "affiliation": ("internal_external",),
            "status": (),
            "valid_from": ("from",),
            "valid_to": ("to",),
        },
        "login",
        "affiliation",
        period=("valid_from", "valid_to"),
    ),
    _answer_set(
        repository_directory,
        {"repository": ("repo",), "owner": (), "tier": (), "exempt": ()},
        "repository",
        "owner",
    ),
    _answer_set(
        accepted_gaps,
        {
            "dataset": (),
            "scope_pattern": ("scope",),
            "reason": (),
            "approver": ("approved_by",),
            "accepted_until": ("until",),
        },
        "dataset",
        "scope_pattern",
        "reason",
        "approver",
        "accepted_until",
    ),
    _answer_set(
        access_decisions,
        {
            "login": ("person", "user"),
            "repository": ("repo",),
            "decision": (),
            "reviewer": (),
            "decided_on": ("date",),
            "ticket": (),
        },
        "login",
        "repository",
        "decision",
        "reviewer",
        "decided_on",
    ),
)
