"""The data model's page is that of today's models, and every column of the tentative model is accounted for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from oss_datastore.catalogue import TABLES
from oss_datastore_tests.vault.data_model import PICTURES, ROOT, SUBJECTS, files, models, tentative

SHARED = ROOT / "../shared/reference/tentative-data-model.tsv"


def test_the_page_and_its_pictures_are_made_from_the_models_of_today() -> None:
    made = files()
    stale = [path.name for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    assert stale == [], "python -m oss_datastore_tests.vault.data_model"
    assert set(PICTURES.glob("data-model*.svg")) == {path for path in made if path.suffix == ".svg"}
    assert all(len(text) < 150_000 for path, text in made.items() if path.suffix == ".svg")


def test_every_table_of_the_vault_has_its_chapter_and_hangs_on_one_that_is_there() -> None:
    found = {model.name: model for model in models()}
    for model in found.values():
        if model.schema.startswith("raw_vault"):
            assert model.subject in SUBJECTS, model.name
            assert model.kind in ("hub", "reference") or "link" in model.kind or model.parent in found, model.name


def test_each_column_of_the_tentative_model_is_where_the_page_says_or_has_a_reason() -> None:
    known = {(model.schema, model.name): set(model.columns) for model in models()}
    known |= {(t.schema, t.name): {name for name, _ in t.fields} for t in TABLES.values()}
    rows = tentative()
    assert len({row["table"] for row in rows}) == 73
    for row in rows:
        assert bool(row["now"]) != bool(row["reason"]), row
        if row["now"]:
            schema, table, column = row["now"].split(".")
            assert column in known[schema, table], row


@pytest.mark.skipif(not Path(SHARED).exists(), reason="the tentative model itself is not here")
def test_no_column_of_the_tentative_model_is_left_out() -> None:
    with SHARED.open(encoding="utf-8", newline="") as file:
        wanted = [(row["table"], row["column"]) for row in csv.DictReader(file, delimiter="\t")]
    assert [(row["table"], row["column"]) for row in tentative()] == wanted
