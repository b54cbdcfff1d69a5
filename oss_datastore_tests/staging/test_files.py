"""File sources: what can be read becomes rows, every other line a letter that says why, whatever a file holds."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_datastore.catalogue import ANSWER_SET_OF
from oss_datastore.catalogue.model import FileRequest, ScopeKind
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, Failure
from oss_datastore.dead_letters.retry import retry
from oss_datastore.github import GitHub, StaticTokens
from oss_datastore.staging import collect_file, files
from oss_datastore.staging.collect_file import FileCollection
from oss_datastore.staging.fetch import Fetcher
from oss_datastore.staging.files import FileUnreadable, read_sheet
from oss_datastore.staging.ledger import Coverage, LedgerEntry, State, Visibility
from oss_datastore.staging.lines import StageWriter, Staging
from oss_datastore.staging.scopes import Scope
from oss_datastore.staging.store import LocalStore
from oss_datastore.warehouse import DuckDbWarehouse, PsaLoader
from oss_datastore_tests.staging.fetching import DAY, MemoryLetters, MemoryWarehouse, after

PEOPLE = "people_directory"
HEADER = "login,company,affiliation,from,to"
SCOPE = "github.com/file/0"


def request_of(name: str) -> FileRequest:
    return cast(FileRequest, ANSWER_SET_OF[name].requests[0])


@dataclass
class Outcome:
    """What reading a file came to: its entry, its letters and the rows that psa has of it."""

    entry: LedgerEntry
    failures: list[Failure]
    rows: list[dict[str, Any]]

    @property
    def told(self) -> list[str]:
        return [failure.message for failure in self.failures]


@dataclass
class Reading:
    """A folder of file sources and a store; `read` is what a fetch does with one file."""

    folder: Path
    store: Path

    def write(self, content: str | bytes, name: str = PEOPLE) -> None:
        self.folder.mkdir(exist_ok=True)
        data = content.encode() if isinstance(content, str) else content
        (self.folder / f"{name}.csv").write_bytes(data)

    def read(self, name: str = PEOPLE, day: date = DAY) -> Outcome:
        letters, staging = MemoryLetters(), Staging(LocalStore(self.store))
        writer = StageWriter(staging.store, staging.folder(name, day), day, letters=letters)
        collection = FileCollection(
            nobody(),
            writer,
            Clock(after(day)),
            day,
            Scope("github.com", ScopeKind.file, 0, {"folder": str(self.folder)}),
            None,
            ((name, SCOPE),),
            visible=Visibility.owner,
        )
        collection.collect(request_of(name))
        for entry, failures in collection.entries():
            writer.settle(entry, failures)
        writer.close()
        warehouse = MemoryWarehouse()
        PsaLoader(staging, cast(DuckDbWarehouse, warehouse), letters).load(name, [day])
        entry = staging.ledger(name, day)[name, SCOPE]
        return Outcome(entry, list(letters.failures.values()), warehouse.rows[name])

    def read_text(self, *lines: str, header: str = HEADER) -> Outcome:
        self.write("\n".join([header, *lines]) + "\n")
        return self.read()


def nobody() -> GitHub:
    """A client whose GitHub is not there: nothing of a file is asked for."""
    return GitHub(
        tokens=StaticTokens("ghp_nobody"),
        api_url="http://127.0.0.1:9",
        graphql_url="http://127.0.0.1:9/graphql",
        clock=Clock(after(DAY)),
        pace=False,
    )


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    return Reading(tmp_path / "files", tmp_path / "store")


def people(outcome: Outcome) -> list[tuple[Any, ...]]:
    return sorted((row["login"], row["company"], row["affiliation"]) for row in outcome.rows)


BOTH = [("ada", "Acme, Inc", "internal"), ("bob", "Übung", "external")]


# What people and spreadsheets write


@pytest.mark.parametrize(
    "content",
    [
        'login,company,affiliation\nada,"Acme, Inc",internal\nbob,Übung,external\n',
        'login,company,affiliation\r\nada,"Acme, Inc",internal\r\nbob,Übung,external',
        'login,company,affiliation\rada,"Acme, Inc",internal\rbob,Übung,external\r',
        "\ufefflogin;company;affiliation\r\nada;Acme, Inc;internal\r\nbob;Übung;external\r\n",
        "login\tcompany\taffiliation\nada\tAcme, Inc\tinternal\nbob\tÜbung\texternal\n",
        "\n\nAffiliation;GitHub Login;COMPANY\ninternal;@ada;Acme, Inc\n;;\n\nexternal;bob;Übung\n",
        '"login","company","affiliation"\n"ada", "Acme, Inc","internal"\n bob , Übung ,External \n',
        'login,company,affiliation,,\nada,"Acme, Inc",internal,,\nbob,Übung,external,,,,\n',
    ],
)
def test_any_form_of_a_file_gives_the_same_rows(reading: Reading, content: str) -> None:
    reading.write(content)
    outcome = reading.read()
    assert people(outcome) == BOTH
    assert outcome.failures == []
    assert (outcome.entry.state, outcome.entry.coverage, outcome.entry.rows) == (State.complete, Coverage.full, 2)


def test_a_quoted_line_break_is_part_of_its_cell_and_lines_are_counted_as_an_editor_does(reading: Reading) -> None:
    outcome = reading.read_text('ada,"Acme\nInc ""West""",internal,,', "bob,Acme,nobody,,")
    assert people(outcome) == [("ada", 'Acme\nInc "West"', "internal")]
    assert outcome.told == [
        "people_directory.csv, line 4: column affiliation: expected internal, external or bot, came 'nobody'"
    ]


def test_columns_we_do_not_know_are_left_out_and_named(reading: Reading) -> None:
    outcome = reading.read_text("ada,internal,1000 EUR", header="login,affiliation,Salary")
    assert outcome.entry.state is State.complete
    assert outcome.entry.detail == "columns that are not kept: Salary"
    staged = b"".join(path.read_bytes() for path in reading.store.rglob("ledger-*"))
    assert b"1000 EUR" not in staged
    lines = list(Staging(LocalStore(reading.store)).lines(PEOPLE, DAY))
    assert [line.payload for line in lines] == [[{"line": 2, "login": "ada", "affiliation": "internal"}]]


def test_a_header_without_lines_is_a_list_of_nobody(reading: Reading) -> None:
    outcome = reading.read_text()
    assert (outcome.entry.state, outcome.entry.coverage, outcome.rows) == (State.complete, Coverage.empty, [])


def test_an_unchanged_file_is_staged_for_each_day(reading: Reading) -> None:
    reading.write(f"{HEADER}\nada,Acme,internal,,\n")
    for day in (DAY, DAY + timedelta(days=1)):
        outcome = reading.read(day=day)
        assert [row["load_date"].date() for row in outcome.rows] == [day]


# Lines that cannot be read


def test_a_bad_line_is_a_letter_and_the_others_are_loaded(reading: Reading) -> None:
    outcome = reading.read_text("ada,Acme,internal,,", "bob,Acme,yes,,", "eve,Acme", "joe,Acme,external,1.2.2026,")
    assert [row["login"] for row in outcome.rows] == ["ada"]
    assert outcome.told == [
        "people_directory.csv, line 3: column affiliation: expected internal, external or bot, came 'yes'",
        "people_directory.csv, line 4: expected 5 cells as in the header, came 2",
        "people_directory.csv, line 5: column from (valid_from): expected a day as YYYY-MM-DD, came '1.2.2026'",
    ]
    assert (outcome.entry.state, outcome.entry.coverage) == (State.partial, None)
    assert outcome.entry.detail == "3 of 4 lines are not read"
    letter = outcome.failures[0]
    assert (letter.source, letter.error_class, letter.body) == ("file", "does_not_parse", b"bob,Acme,yes,,\n")
    assert letter.request == {"file": "people_directory.csv", "line": 3}
    assert letter.recoverable_until == datetime(2026, 10, 16, tzinfo=UTC)


def test_a_quote_that_does_not_close_costs_its_own_line_only(reading: Reading) -> None:
    outcome = reading.read_text('ada,"Acme,internal,,', "bob,Acme,internal,,", 'eve,"Ac"me,internal,,')
    assert [row["login"] for row in outcome.rows] == ["bob"]
    assert [told.partition(": ")[0] for told in outcome.told] == [
        "people_directory.csv, line 2",
        "people_directory.csv, line 4",
    ]
    assert outcome.told[0].endswith("expected cells of CSV, came a quote that does not close its cell")


def test_what_is_said_twice_is_a_letter_for_each_later_line(reading: Reading) -> None:
    outcome = reading.read_text("ada,Acme,internal,,", "ADA,Globex,external,,", "@ada,Acme,internal,,")
    assert people(outcome) == [("ada", "Acme", "internal")]
    assert [(f.error_class, f.request) for f in outcome.failures] == [
        ("duplicate", {"file": "people_directory.csv", "line": 3}),
        ("duplicate", {"file": "people_directory.csv", "line": 4}),
    ]
    assert outcome.told[0].endswith("came again: line 2 has it")


def test_a_person_may_change_sides_but_not_stand_on_both(reading: Reading) -> None:
    outcome = reading.read_text(
        "ada,Acme,internal,2024-01-01,2025-01-01",
        "ada,Globex,external,2025-01-01,",
        "ada,Initech,external,2024-06-01,2024-07-01",
        "ada,Hooli,external,,2024-01-01",
        "ada,Umbrella,external,2030-01-01,",
    )
    assert sorted(row["company"] for row in outcome.rows) == ["Acme", "Globex", "Hooli"]
    assert [failure.request for failure in outcome.failures] == [
        {"file": "people_directory.csv", "line": 4},
        {"file": "people_directory.csv", "line": 6},
    ]
    assert "line 3 has it" in outcome.told[1]


def test_a_letter_stays_the_same_when_lines_come_above_it(reading: Reading) -> None:
    before = reading.read_text("eve,Acme,x,,", "eve,Acme,x,,")
    after_it = reading.read_text("ada,Acme,internal,,", "eve,Acme,x,,", "eve,Acme,x,,")
    assert [failure.cause for failure in before.failures] == [failure.cause for failure in after_it.failures]
    assert len({failure.cause for failure in before.failures}) == 2


def test_a_file_of_another_kind_does_not_flood_the_queue(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_file, "MOST_LETTERS", 3)
    outcome = reading.read_text("ada,Acme,internal,,", *(f"p{n},Acme,x,," for n in range(10)))
    assert len(outcome.failures) == 4
    assert outcome.told[-1] == "people_directory.csv: 7 more lines are not read, the first of them line 6"


# Files that cannot be read


def test_no_file_is_nothing_to_read_and_no_failure(reading: Reading) -> None:
    reading.folder.mkdir()
    outcome = reading.read()
    assert (outcome.entry.state, outcome.failures) == (State.disabled, [])
    assert outcome.entry.detail == "there is no people_directory.csv in OSS_DATASTORE_FILES"


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b"", "wrong_header", "expected a header with the columns login, affiliation, came an empty file"),
        (b"\xef\xbb\xbf \r\n\r\n", "wrong_header", "came an empty file"),
        (b"login,firm\nada,Acme\n", "wrong_header", "the header lacks the column affiliation; it was: login, firm"),
        (b"name|role\n", "wrong_header", "the header lacks the columns login, affiliation; it was: name|role"),
        (b"login,user,affiliation\n", "wrong_header", "expected one column login, came two: 'login' and 'user'"),
        (b'"login,affiliation\n', "wrong_header", "came a line with a quote that does not close"),
        (b"login,affiliation\nada,internal\nj\xf6rg,internal\n", "not_utf8", "came the byte 0xF6 in line 3"),
        ("login,affiliation\n".encode("utf-16"), "not_utf8", "came the byte 0xFF in line 1"),
    ],
)
def test_a_file_that_is_none_of_ours_is_one_letter(reading: Reading, content: bytes, kind: str, told: str) -> None:
    reading.write(content)
    outcome = reading.read()
    assert outcome.entry.state is State.failed
    assert outcome.rows == []
    (letter,) = outcome.failures
    assert (letter.source, letter.error_class) == ("file", kind)
    assert letter.message.startswith("people_directory.csv: ")
    assert told in letter.message
    assert outcome.entry.detail == letter.message


def test_a_folder_or_a_pipe_in_place_of_the_file_is_one_letter(reading: Reading) -> None:
    place = reading.folder / f"{PEOPLE}.csv"
    place.mkdir(parents=True)
    assert reading.read().failures[0].error_class == "unreadable"
    place.rmdir()
    os.mkfifo(place)
    assert "expected a file" in reading.read().told[0]


def test_a_folder_that_went_away_is_a_failure_and_not_a_missing_file(reading: Reading) -> None:
    outcome = reading.read()
    assert outcome.entry.state is State.failed
    assert outcome.failures[0].error_class == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_one_letter(reading: Reading) -> None:
    reading.write(HEADER)
    (reading.folder / f"{PEOPLE}.csv").chmod(0)
    assert "Permission denied" in reading.read().told[0]


def test_a_file_beyond_the_limit_is_one_letter(reading: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 10)
    reading.write(HEADER)
    assert reading.read().failures[0].error_class == "too_large"


# Whatever a file holds

CELL = st.sampled_from(
    ["ada", "@bob", "Acme", "internal", "external", "2026-01-01", "", " ", '"', '"a\nb"', "x;y", "\x00"]
)
LINE = st.lists(CELL, min_size=1, max_size=7).map(",".join)


@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=300) | st.lists(LINE, max_size=20).map(lambda lines: "\n".join(lines).encode()))
def test_no_bytes_break_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    place = tmp_path_factory.getbasetemp() / "any.csv"
    for data in (content, f"{HEADER}\n".encode() + content):
        place.write_bytes(data)
        with suppress(FileUnreadable):
            sheet = read_sheet(place, request_of(PEOPLE))
            numbers = [line.number for line in sheet.lines]
            assert numbers == sorted(set(numbers))
            assert not any(line.wrong and line.cells for line in sheet.lines)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINE, max_size=25))
def test_every_line_is_a_row_or_a_letter(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    reading = Reading(folder / "files", folder / "store")
    outcome = reading.read_text(*lines)
    sheet = read_sheet(reading.folder / f"{PEOPLE}.csv", request_of(PEOPLE))
    assert len(outcome.rows) + len(outcome.failures) == len(sheet.lines)
    assert outcome.entry.rows == len(outcome.rows)
    assert (outcome.entry.state is State.complete) == (not outcome.failures)
    of_rows = {row["line"] for row in outcome.rows}
    of_letters = {cast(Any, failure.request)["line"] for failure in outcome.failures}
    assert of_rows | of_letters == {line.number for line in sheet.lines}
    # What is written between the lines is nothing but empty cells.
    text = "".join(line.raw for line in sheet.lines)
    unread = "\n".join(lines)
    assert sum(map(text.count, "abcdefmnrtx")) == sum(map(unread.count, "abcdefmnrtx"))


# In the fetch loop


def fetcher_of(reading: Reading, letters: Any, now: datetime) -> Fetcher:
    return Fetcher(
        github=nobody(),
        staging=Staging(LocalStore(reading.store)),
        letters=letters,
        clock=Clock(now),
        organizations=("acme",),
        api_url="https://api.github.com",
        files=reading.folder,
    )


@pytest.fixture
def queue(queue_url: str) -> Any:
    queue = DeadLetterQueue(queue_url, clock=Clock(after(DAY)))
    yield queue
    queue.close()


def test_a_retry_reads_the_file_anew_and_closes_its_letters(reading: Reading, queue: DeadLetterQueue) -> None:
    reading.write(f"{HEADER}\nada,Acme,internal,,\nbob,Acme,x,,\n")
    fetcher = fetcher_of(reading, queue, after(DAY))
    report = fetcher.fetch(PEOPLE, DAY)
    assert report.states[PEOPLE] == {"partial": 1}
    (letter,) = queue.list()
    reading.write(f"{HEADER}\nada,Acme,internal,,\nbob,Acme,external,,\n")
    done = retry(queue.claim(who="me", ids=[letter.id]), queue, fetcher, who="me")
    assert done.resolved == (letter.id,)
    entry = fetcher.staging.ledger(PEOPLE, DAY)[PEOPLE, SCOPE]
    assert (entry.state, entry.rows) == (State.complete, 2)


def test_a_retry_after_the_next_day_leaves_what_was_read_and_lets_the_letter_expire(
    reading: Reading, queue: DeadLetterQueue
) -> None:
    reading.write(f"{HEADER}\nada,Acme,internal,,\nbob,Acme,x,,\n")
    fetcher_of(reading, queue, after(DAY)).fetch(PEOPLE, DAY)
    (letter,) = queue.list()
    reading.write(f"{HEADER}\nada,Acme,internal,,\nbob,Acme,external,,\n")
    late = fetcher_of(reading, queue, after(DAY, days=1))
    done = retry(queue.claim(who="me", ids=[letter.id]), queue, late, who="me")
    assert done.expired == (letter.id,)
    assert queue.get(letter.id).state == "expired"
    assert late.staging.ledger(PEOPLE, DAY)[PEOPLE, SCOPE].rows == 1


def test_without_a_folder_nothing_is_planned_and_the_day_is_whole(reading: Reading) -> None:
    fetcher = replace(fetcher_of(reading, MemoryLetters(), after(DAY)), files=None)
    assert fetcher.fetch(PEOPLE, DAY).planned == 0
    assert fetcher.staging.is_staged(PEOPLE, DAY)


# As documented


def test_the_examples_of_the_documentation_are_read_without_a_letter(reading: Reading) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    names = [name for name in ANSWER_SET_OF if isinstance(ANSWER_SET_OF[name].requests[0], FileRequest)]
    assert len(names) == 4
    for name in names:
        after_name = text.partition(f"`{name}.csv`")[2]
        reading.write(after_name.split("```")[1].lstrip(), name)
        outcome = reading.read(name)
        assert outcome.told == []
        assert outcome.entry.detail == ""
        assert outcome.rows
        described = after_name.partition("```")[0]
        for column in request_of(name).columns:
            assert f"`{column}`" in described, (name, column)
