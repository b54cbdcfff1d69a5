"""The gate takes what Redshift takes and refuses the rest, word by word and part by part."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from oss_datastore_tests.redshift.vocabulary import LIST, Refused, judge, vocabulary

HERE = Path(__file__).parent


def statements(name: str) -> list[str]:
    """The statements of a file, one a line."""
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("--")]


@pytest.mark.parametrize("statement", statements("accepted.sql"))
def test_what_redshift_takes_is_accepted(statement: str) -> None:
    judge(statement)


@pytest.mark.parametrize("statement", statements("refused.sql"))
def test_what_redshift_does_not_take_is_refused(statement: str) -> None:
    with pytest.raises(Refused):
        judge(statement)


def test_a_refusal_says_what_is_not_on_the_list_and_where_to_look() -> None:
    with pytest.raises(Refused) as refused:
        judge("select 1;\nselect string_agg(login, ',')\nfrom t")
    message = str(refused.value)
    assert "the function string_agg" in message
    assert "in: select 1; select string_agg(login, ',') from t" in message
    assert "https://docs.aws.amazon.com/redshift/latest/dg/" in message
    assert "vocabulary.yml" in message


def test_every_statement_between_semicolons_is_judged() -> None:
    judge("begin; select 1; commit;")
    with pytest.raises(Refused):
        judge("begin; select array_agg(a) from t; commit;")


def test_a_word_as_a_name_is_no_word() -> None:
    judge('select t.filter, t."lateral", t.jsonb as uuid from s.generate_series as t where t.array_agg = 1')


def test_comments_say_nothing() -> None:
    judge('/* {"app": "dbt", "array_agg(": 1} */ select 1 -- string_agg(a)')


def entries() -> Iterator[dict[str, Any]]:
    """Every entry of the list."""
    read = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    yield from [*read["commands"], *read["words"], *read["functions"], read["date_parts"], read["reserved"]]
    yield from [*read["types"].values(), *read["nodes"].values(), *read["rules"].values()]


def test_every_entry_names_its_page_and_what_it_says() -> None:
    for entry in entries():
        assert re.fullmatch(r"[A-Za-z0-9_-]+", entry["page"]), entry
        assert len(entry["says"].split()) >= 2, entry


def test_no_name_stands_twice_on_the_list() -> None:
    read = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    for kind, part in (("functions", "names"), ("words", "words")):
        names = [name for entry in read[kind] for name in str(entry[part]).split()]
        assert len(names) == len(set(names)), kind
    assert vocabulary().functions
