"""`requirements.runtime.lock`: the part of `requirements.lock` that runs in a container, without what only tests need.

`python -m infra.runtime_lock` writes it anew from the environment that `requirements.lock` made. No version is chosen
here: each line is one of the whole lock.
"""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
RUNTIME = ROOT / "requirements.runtime.lock"

EXTRAS = ("apprise",)
"""Not `embedded`: beside a container there is a PostgreSQL."""


def locked() -> dict[str, str]:
    """The lines of the whole lock by their package."""
    lines = [line for line in LOCK.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(Requirement(line).name): line for line in lines}


def needed() -> set[str]:
    """Whatever the project needs to run, and what that needs. Raises PackageNotFoundError for what is not installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    waiting = list(project["dependencies"])
    for extra in EXTRAS:
        waiting += project["optional-dependencies"][extra]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            for line in metadata.requires(name) or ():
                inner = Requirement(line)
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    waiting.append(line)
    return {name for name, _ in seen}


def text() -> str:
    """The lock as it is kept. Raises KeyError for a package that the whole lock has not."""
    lines = locked()
    return "".join(f"{line}\n" for line in sorted(lines[name] for name in needed()))


if __name__ == "__main__":
    RUNTIME.write_text(text(), encoding="utf-8")
