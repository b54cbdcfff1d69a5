"""The raw store in a folder: a file per object, durable when the call returns, made by one of several writers."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from oss_datastore.staging.store.protocol import (
    INCOMING,
    InvalidKey,
    ObjectExists,
    ObjectInfo,
    ObjectMissing,
    StoreUnavailable,
    checked_key,
)

_STALE_SECONDS = 3600.0


class LocalStore:
    """Objects as files below `root`, which is made on the first write.

    A write goes to a temporary file, is flushed, and gets its name by a hard link: a link fails where the
    name exists, so one of several writers wins, and a crash leaves either the whole object or none.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.abspath(root))
        self._swept = False

    def __repr__(self) -> str:
        return f"LocalStore({self.root})"

    def put_if_absent(self, key: str, data: bytes) -> None:
        path = self._path(key)
        temporary: Path | None = None
        try:
            self._make_directories(path.parent)
            temporary = self._write_temporary(data)
            try:
                os.link(temporary, path)
            except FileExistsError:
                if not path.is_file() or path.read_bytes() != data:
                    raise ObjectExists(f"{self.url(key)} exists with other content") from None
            _flush_directory(path.parent)
        except OSError as problem:
            self._unavailable("write", key, problem)
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise ObjectMissing(f"{self.url(key)} does not exist") from None
        except OSError as problem:
            self._unavailable("read", key, problem)

    def head(self, key: str) -> ObjectInfo | None:
        path = self._path(key)
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as problem:
            self._unavailable("read", key, problem)
        if path.is_dir():
            return None
        return ObjectInfo(size=status.st_size, modified=datetime.fromtimestamp(status.st_mtime, UTC))

    def list(self, prefix: str) -> Iterator[str]:
        folder = prefix.rpartition("/")[0]
        start = self._path(folder) if folder else self.root
        try:
            yield from _walk(start, f"{folder}/" if folder else "", prefix)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as problem:
            self._unavailable("list", prefix, problem)

    def delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
            _flush_directory(path.parent)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return
        except OSError as problem:
            self._unavailable("delete", key, problem)

    def overwrite(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            self._make_directories(path.parent)
        except OSError as problem:
            self._unavailable("write", key, problem)
        self.rewrite(key, data)

    def rewrite(self, key: str, data: bytes) -> None:
        path = self._path(key)
        try:
            os.replace(self._write_temporary(data), path)
            _flush_directory(path.parent)
        except OSError as problem:
            self._unavailable("rewrite", key, problem)

    def purge(self, prefix: str) -> None:
        """A folder keeps no older versions."""

    def url(self, key: str) -> str:
        return (self.root / key).as_uri()

    def _path(self, key: str) -> Path:
        path = self.root / checked_key(key)
        # A link inside the root could point out of it; the root itself may be a link to a larger disk.
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            raise InvalidKey(f"Object key {key!r} leads out of {self.root}")
        return path

    def _make_directories(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
            # The name of a new folder is durable only when its parent is flushed.
            _flush_directory(path.parent)

    def _write_temporary(self, data: bytes) -> Path:
        incoming = self.root / INCOMING
        self._make_directories(incoming)
        self._sweep(incoming)
        temporary = incoming / f"{os.getpid()}-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        return temporary

    def _sweep(self, incoming: Path) -> None:
        """Remove what killed writers left behind, once per process."""
        if self._swept:
            return
        self._swept = True
        oldest = time.time() - _STALE_SECONDS
        for path in incoming.iterdir():
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:  # another process swept at the same time
                continue

    def _unavailable(self, verb: str, key: str, problem: OSError) -> NoReturn:
        advice = {
            errno.ENOSPC: "free some space or move OSS_DATASTORE_HOME to a larger disk",
            errno.EDQUOT: "raise the quota or move OSS_DATASTORE_HOME to another disk",
        }.get(problem.errno or 0, "check the folder's owner and permissions, or set OSS_DATASTORE_HOME")
        raise StoreUnavailable(
            f"Cannot {verb} {key!r} in the store {self.root}: {problem.strerror or problem}; {advice}"
        ) from problem


def _walk(folder: Path, before: str, prefix: str) -> Iterator[str]:
    """Keys below a folder in the order of the whole key: `a.b` before `a/b`, hence the slash on folders."""
    with os.scandir(folder) as entries:
        found = sorted(
            (entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""), entry.path)
            for entry in entries
            if not entry.is_symlink() and not (before == "" and entry.name == INCOMING)
        )
    for name, path in found:
        key = before + name
        if name.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                yield from _walk(Path(path), key, prefix)
        elif key.startswith(prefix):
            yield key


def _flush_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
