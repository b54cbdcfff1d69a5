"""What was told already: kept in the queue's database, one row per notifier, so that neither a restart nor another
process tells it twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from oss_datastore.dead_letters import DeadLetterQueue

_PREFIX = "alerts:"
_KEPT_AFTER_ITS_END = timedelta(days=1)


@dataclass(frozen=True)
class Told:
    """A concern as it was told: `at` is real time; `over` once its end was told, `passes` if it has none."""

    mark: Any
    severity: str
    subject: str
    dataset: str
    at: str
    over: bool = False
    passes: bool = False

    def since(self, now: datetime) -> timedelta:
        """Real time that passed since it was told."""
        return now - datetime.fromisoformat(self.at)


@dataclass(frozen=True)
class Trouble:
    """A notifier that does not deliver: since when (real time), why, and how often it was tried."""

    since: str
    why: str
    tries: int


@dataclass
class Memory:
    """What one notifier told, by the key of the concern, and whether it delivers."""

    notifier: str
    told: dict[str, Told] = field(default_factory=dict)
    trouble: Trouble | None = None

    @classmethod
    def of(cls, queue: DeadLetterQueue, notifier: str) -> Memory:
        """What is remembered of a notifier."""
        return cls._read(notifier, queue.recall(_PREFIX + notifier))

    @classmethod
    def all(cls, queue: DeadLetterQueue) -> list[Memory]:
        """What is remembered of every notifier there ever was."""
        return [cls._read(name.removeprefix(_PREFIX), text) for name, text in queue.memories(_PREFIX).items()]

    @classmethod
    def _read(cls, notifier: str, text: str | None) -> Memory:
        kept = json.loads(text) if text else {}
        trouble = kept.get("trouble")
        return cls(
            notifier,
            {key: Told(**told) for key, told in kept.get("told", {}).items()},
            Trouble(**trouble) if trouble else None,
        )

    def write(self, queue: DeadLetterQueue) -> None:
        """Keeps it."""
        kept = {
            "told": {key: asdict(told) for key, told in self.told.items()},
            "trouble": asdict(self.trouble) if self.trouble else None,
        }
        queue.remember(_PREFIX + self.notifier, json.dumps(kept, sort_keys=True))

    def marks(self) -> Mapping[str, Any]:
        """What was told of each concern, those that are over left out."""
        return {key: told.mark for key, told in self.told.items() if not told.over}

    def standing(self) -> dict[str, Told]:
        """What was told and is not over."""
        return {key: told for key, told in self.told.items() if not told.over and not told.passes}

    def end(self, key: str, now: datetime) -> None:
        """The end of a concern was told."""
        self.told[key] = replace(self.told[key], over=True, at=now.isoformat())

    def delivered(self) -> None:
        """The notifier works."""
        self.trouble = None

    def failed(self, why: str) -> None:
        """The notifier did not deliver."""
        known = self.trouble
        since = known.since if known else datetime.now(UTC).isoformat()
        self.trouble = Trouble(since, why, (known.tries if known else 0) + 1)

    def prune(self, present: set[str], judged: set[str], now: datetime) -> None:
        """Forgets what passed or ended a day ago and is no longer there."""
        self.told = {
            key: told
            for key, told in self.told.items()
            if key in present
            or key.partition(":")[0] not in judged
            or not (told.over or told.passes)
            or told.since(now) < _KEPT_AFTER_ITS_END
        }
