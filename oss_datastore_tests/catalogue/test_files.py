"""What a file may say: rows of the four directories, and the words in which a cell is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from oss_datastore.catalogue import ANSWER_SET_OF, DATASETS
from oss_datastore.catalogue.files import ANSWER_SETS
from oss_datastore.catalogue.model import FileRequest
from oss_datastore.catalogue.parse import Parsed, Part, parse

DAY = date(2026, 10, 14)
FETCHED = datetime(2026, 10, 15, 0, 10, tzinfo=UTC)

WHOLE: dict[str, dict[str, Any]] = {
    "people_directory": {"line": 2, "login": "@Octo-Cat", "company": "Acme", "affiliation": "Internal"},
    "repository_directory": {"line": 2, "repository": "Acme/Rocket", "owner": "rockets", "tier": "1"},
    "accepted_gaps": {
        "line": 2,
        "dataset": "traffic_*",
        "scope_pattern": "*",
        "reason": "no push rights",
        "approver": "Ada",
        "accepted_until": "2027-01-01",
    },
    "access_decisions": {
        "line": 2,
        "login": "octo-cat",
        "repository": "acme/*",
        "decision": "Revoke",
        "reviewer": "Ada",
        "decided_on": "2026-10-01",
    },
}


def parsed(name: str, **changes: Any) -> Parsed:
    item = {key: value for key, value in (WHOLE[name] | changes).items() if value is not None}
    return parse(DATASETS[name], Part(name, "github.com/file/0"), [item], DAY, FETCHED)


def row(name: str, **changes: Any) -> dict[str, Any]:
    outcome = parsed(name, **changes)
    assert not outcome.faults
    return outcome.rows[name][0]


def told(name: str, **changes: Any) -> str:
    outcome = parsed(name, **changes)
    assert outcome.rows[name] == []
    return outcome.faults[0].message


def kept(name: str, found: dict[str, Any]) -> dict[str, Any]:
    return {column.name: found[column.name] for column in DATASETS[name].table.columns}


def test_a_person_without_dates_is_described_for_ever() -> None:
    found = row("people_directory")
    assert kept("people_directory", found) == {
        "login": "Octo-Cat",
        "login_key": "octo-cat",
        "company": "Acme",
        "company_email": None,
        "affiliation": "internal",
        "status": None,
        "valid_from": date(1, 1, 1),
        "valid_to": date(9999, 12, 31),
        "line": 2,
    }
    assert found["rec_src"] == "file/people_directory"
    assert (found["scope"], found["host"]) == ("github.com/file/0", "github.com")


def test_a_repository_is_not_exempt_unless_the_file_says_so() -> None:
    assert [row("repository_directory", exempt=word)["exempt"] for word in (None, "no", "YES", "x", "0")] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_a_glob_is_told_from_a_name() -> None:
    names = ("Acme/Rocket", "rocket", "acme/*", "acme/lib-?", "acme/[ab]*")
    assert [row("repository_directory", repository=name)["is_glob"] for name in names] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert row("repository_directory")["repository_key"] == "acme/rocket"


def test_a_decision_and_a_gap_keep_their_days() -> None:
    decision = row("access_decisions", ticket="OPS-7")
    assert (decision["decision"], decision["decided_on"], decision["ticket"]) == ("revoke", date(2026, 10, 1), "OPS-7")
    assert row("accepted_gaps")["accepted_until"] == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("name", "cell", "value", "expected"),
    [
        ("people_directory", "affiliation", "intern", "expected internal, external or bot, came 'intern'"),
        ("people_directory", "affiliation", None, "column affiliation is required and missing"),
        ("people_directory", "login", "Ada Lovelace", "expected a login of GitHub such as octocat or @octocat"),
        ("people_directory", "valid_from", "01.02.2026", "expected a day as YYYY-MM-DD, came '01.02.2026'"),
        ("people_directory", "valid_from", "2026-02-30", "expected a day as YYYY-MM-DD, came '2026-02-30'"),
        ("people_directory", "valid_to", "20260201", "expected a day as YYYY-MM-DD, came '20260201'"),
        ("repository_directory", "repository", "https://github.com/acme/rocket", "expected owner/name"),
        ("repository_directory", "exempt", "maybe", "expected yes or no, came 'maybe'"),
        ("accepted_gaps", "dataset", "Traffic views", "expected the name of a dataset or a glob such as traffic_*"),
        ("accepted_gaps", "approver", None, "column approver is required and missing"),
        ("accepted_gaps", "accepted_until", None, "column accepted_until is required and missing"),
        ("access_decisions", "decision", "maybe", "expected keep, reduce or revoke, came 'maybe'"),
        ("access_decisions", "decided_on", "soon", "expected a day as YYYY-MM-DD, came 'soon'"),
    ],
)
def test_a_wrong_cell_is_told_with_what_was_expected_and_what_came(
    name: str, cell: str, value: str | None, expected: str
) -> None:
    message = told(name, **{cell: value})
    assert message.startswith(f"column {cell}")
    assert expected in message


def test_a_period_that_ends_before_it_begins_is_none() -> None:
    message = told("people_directory", valid_from="2026-02-01", valid_to="2026-02-01")
    assert message == "column valid_to: expected a day after valid_from (2026-02-01), came '2026-02-01'"


def test_an_address_that_is_none_is_not_repeated() -> None:
    assert "ada.example" not in told("people_directory", company_email="ada.example")
    assert row("people_directory", company_email="ada@acme.example")["company_email"] == "ada@acme.example"


def test_what_names_persons_lies_in_the_personal_schema() -> None:
    schemas = {d.name: d.table.schema for s in ANSWER_SETS for d in s.datasets}
    assert {name for name, schema in schemas.items() if schema == "psa_pii"} == {
        "people_directory",
        "accepted_gaps",
        "access_decisions",
    }


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_every_column_of_a_file_is_read_from_a_header_of_its_request(name: str) -> None:
    (request,) = ANSWER_SET_OF[name].requests
    assert isinstance(request, FileRequest)
    read = {path for column in DATASETS[name].table.columns for path in column.paths} - {"line"}
    assert read == set(request.columns)
    assert set(request.required) <= set(request.columns)
    spelled = [word for column, others in request.columns.items() for word in (column, *others)]
    assert len(spelled) == len(set(spelled))


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_a_line_that_moves_within_its_file_is_no_new_version(name: str) -> None:
    one, other = row(name), row(name, line=9)
    assert {k: v for k, v in one.items() if k != "line"} == {k: v for k, v in other.items() if k != "line"}
    hashed = [key for key in one if key.endswith(("_hk", "_hd"))]
    assert hashed
    assert all(one[key] for key in hashed)
