"""The definitions as Dagster loads them, put together once."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from oss_datastore.build import build_definitions


@pytest.fixture(scope="package")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    """Without any setting: what a person sees who has set none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("definitions"))
        yield build_definitions()
