"""What dbt has parsed once serves every home of the tests. No test stands here.

dbt parses the whole project anew, for ten seconds, wherever the connection differs from that of its last parse, and the
path of a DuckDB file is part of it. Nothing that is parsed depends on the path: dbt only keeps a hash of the connection
beside it, which is put in here. Were the hash a wrong one, dbt would parse anew.
"""

from __future__ import annotations

import os
import pprint
import re
from pathlib import Path
from unittest.mock import patch

from oss_datastore.resources.dbt import MANIFEST, PARSED, prepare_manifest

_HASH = re.compile(rb"(profile_hash.{1,32}checksum..)[0-9a-f]{64}", re.DOTALL)


def parsed_home(home: Path) -> Path:
    """A home, made where it is not there, whose first run of dbt finds the project parsed for its warehouse."""
    parsed_for(home / "warehouse.duckdb", home / "dbt")
    return home


def parsed_for(warehouse: Path, target: Path) -> None:
    """Puts into a target folder of dbt what it parsed, as if for this DuckDB file; nothing where it was for another."""
    target.mkdir(parents=True, exist_ok=True)
    with patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("OSS_DATASTORE_")]:
            del os.environ[name]
        manifest = prepare_manifest().read_bytes()
    # Somebody may have parsed for PostgreSQL here: the names of the databases are another then.
    if b'"adapter_type": "duckdb"' not in manifest or f'"database": "{warehouse.stem}"'.encode() not in manifest:
        return
    kept, count = _HASH.subn(
        lambda found: found[1] + _connection_hash(warehouse), MANIFEST.with_name(PARSED).read_bytes()
    )
    assert count == 1, "dbt keeps its parse in another way"
    (target / PARSED).write_bytes(kept)


def _connection_hash(warehouse: Path) -> bytes:
    """As `ManifestLoader.build_manifest_state_check` makes it of the profile in profiles.yml."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.artifacts.resources import FileHash

    credentials = DuckDBCredentials.from_dict({"path": str(warehouse), "schema": "raw_vault"})
    keys = sorted(credentials.connection_info())
    return FileHash.from_contents(pprint.pformat(keys)).checksum.encode()
