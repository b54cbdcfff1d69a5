"""`oss-datastore`: the commands by name, each loaded when it is called.

What a command does stands in `commands`; the heavy parts (Dagster, dbt, charts) are imported by those that need them,
so that `dlq list` answers at once.
"""

from __future__ import annotations

import logging
import sys
from importlib import import_module

import click

_COMMANDS = {
    "demo": "oss_datastore.commands.demo",
    "run": "oss_datastore.commands.run",
    "rebuild": "oss_datastore.commands.run",
    "forget": "oss_datastore.commands.forget",
    "dlq": "oss_datastore.commands.dlq",
    "status": "oss_datastore.commands.status",
    "report": "oss_datastore.commands.read",
    "export": "oss_datastore.commands.read",
    "query": "oss_datastore.commands.read",
    "doctor": "oss_datastore.commands.doctor",
    "simulate": "oss_datastore.simulator.command",
    "ui": "oss_datastore.commands.ui",
}


class Commands(click.Group):
    """A group whose commands are imported when they are used, and whose known errors are one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name not in _COMMANDS:
            return None
        command = getattr(import_module(_COMMANDS[name]), name)
        assert isinstance(command, click.Command)  # noqa: S101
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="oss-datastore")
def group() -> None:
    """Keeps what GitHub forgets: raw answers, a data vault, infomarts and a page to read, day by day."""


def main() -> None:
    """Runs a command. Exit codes: 0, 1 on an error that is told in one line, 2 on wrong usage; `run` has 3, too."""
    # Loggers of libraries set levels of their own; what reaches a person at the command line is a warning or worse.
    logging.basicConfig(level=logging.WARNING, handlers=[_Messages(logging.WARNING)])
    try:
        # Without its standalone mode click returns the code that a command ends with.
        code = group(prog_name="oss-datastore", standalone_mode=False)
    except click.UsageError as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except click.ClickException as wrong:
        click.echo(f"error: {wrong.format_message()}", err=True)
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; what was fetched is kept, the same command goes on", err=True)
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, _known_errors()):
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


class _Messages(logging.Handler):
    """Log records as lines on standard error, whatever that is at the moment: above the bars while there are some."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(record.getMessage(), err=True)


def _known_errors() -> tuple[type[Exception], ...]:
    """Errors whose message is one clear line; imported when one happened, since half the program comes with them."""
    from oss_datastore.connections import UnusableHome
    from oss_datastore.dead_letters import QueueError
    from oss_datastore.dead_letters.binaries import PostgresUnavailable
    from oss_datastore.github import GitHubError, NoToken
    from oss_datastore.settings import WrongSetting
    from oss_datastore.staging.days import DayNotOver
    from oss_datastore.staging.fetch import NothingKnown, UnknownOrganization
    from oss_datastore.staging.store import StoreError
    from oss_datastore.warehouse import WarehouseBusy, WarehouseRefused, WarehouseUnavailable

    return (
        WrongSetting,
        UnusableHome,
        QueueError,
        PostgresUnavailable,
        GitHubError,
        NoToken,
        DayNotOver,
        NothingKnown,
        UnknownOrganization,
        StoreError,
        WarehouseBusy,
        WarehouseRefused,
        WarehouseUnavailable,
    )
