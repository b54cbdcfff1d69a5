"""`ui`: Dagster's web interface and its daemon on the home, as `make ui` opens them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import click

from oss_datastore.settings import Settings

WORKSPACE = Path(__file__).resolve().parents[2] / "workspace.yaml"

_ENVIRONMENT = {
    # `dg dev` takes the same options and asks for a project layout that this one does not have.
    "PYTHONWARNINGS": "ignore:Function `dev_command` is superseded",
    # gRPC tells of each fork of the daemon, which forks for each sensor.
    "GRPC_VERBOSITY": "ERROR",
    # The code server starts programs (dbt, the queue's PostgreSQL) while its threads speak gRPC, whose handlers of a
    # fork then crash some of them before they begin: one tick of the sensor in three runs of the browser tests.
    "GRPC_ENABLE_FORK_SUPPORT": "false",
}


@click.command(short_help="Open the Dagster UI on the same home.")
@click.option("--port", type=click.IntRange(1, 65_535), default=3000, show_default=True, help="On 127.0.0.1.")
def ui(port: int) -> None:
    """Serves the Dagster UI on 127.0.0.1 until interrupted; schedules and sensors tick meanwhile."""
    from oss_datastore.resources.dbt import prepare_manifest
    from oss_datastore.runs import dagster_home

    settings = Settings.load()
    dagster_home(settings)
    os.environ["OSS_DATASTORE_HOME"] = str(settings.home_path)
    prepare_manifest()
    from oss_datastore.commands.demo import demo_world

    with demo_world(settings):
        click.echo(f"http://127.0.0.1:{port}")
        program = str(Path(sys.executable).parent / "dagster")
        arguments = [program, "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
        # Started by a script in the background, this process ignores interrupts, and so would every child: but with
        # interrupts `dagster dev` ends its own.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        server = subprocess.Popen(arguments, cwd=WORKSPACE.parent, env=os.environ | _ENVIRONMENT)  # noqa: S603
        # Whoever ends this command ends the server with it, by whichever of the two usual signals.
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        while True:
            try:
                sys.exit(server.wait())
            except KeyboardInterrupt:
                continue
