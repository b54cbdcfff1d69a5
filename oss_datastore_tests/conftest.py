"""Real servers that several test folders share: an S3 endpoint and a PostgreSQL cluster.

A server belongs to the process that began it and ends with its session; under pytest-xdist each worker has
servers of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[str]:
    """Endpoint address of an S3 server that honours conditional writes; any credentials are accepted."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
