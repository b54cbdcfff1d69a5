"""What we track: the one list from which staged assets, psa tables, ledger entries and letter identities are made.

A new dataset is one declaration in a subject module beside this file; nothing about requests, storage or Dagster
belongs here.
"""

from __future__ import annotations

from oss_datastore.catalogue import (
    access,
    commits,
    dependencies,
    discussions,
    events,
    files,
    integrations,
    issues,
    people,
    popularity,
    projects,
    pull_requests,
    releases,
    repositories,
    rules,
    security,
    statistics,
    traffic,
    users,
)
from oss_datastore.catalogue.actors import ACTORS
from oss_datastore.catalogue.model import AnswerSet, Dataset, Table

ANSWER_SETS: dict[str, AnswerSet] = {
    answer_set.name: answer_set
    for answer_set in sorted(
        (
            *repositories.ANSWER_SETS,
            *traffic.ANSWER_SETS,
            *files.ANSWER_SETS,
            *people.ANSWER_SETS,
            *access.ANSWER_SETS,
            *security.ANSWER_SETS,
            *issues.ANSWER_SETS,
            *pull_requests.ANSWER_SETS,
            *discussions.ANSWER_SETS,
            *popularity.ANSWER_SETS,
            *releases.ANSWER_SETS,
            *commits.ANSWER_SETS,
            *rules.ANSWER_SETS,
            *integrations.ANSWER_SETS,
            *projects.ANSWER_SETS,
            *events.ANSWER_SETS,
            *dependencies.ANSWER_SETS,
            *statistics.ANSWER_SETS,
            *users.ANSWER_SETS,
        ),
        key=lambda answer_set: answer_set.priority,
    )
}
"""Every answer set by name, what expires first in front."""

DATASETS: dict[str, Dataset] = {d.name: d for s in ANSWER_SETS.values() for d in s.datasets}
"""Every dataset by name."""

ANSWER_SET_OF: dict[str, AnswerSet] = {d.name: s for s in ANSWER_SETS.values() for d in s.datasets}
"""The answer set a dataset belongs to."""

TABLES: dict[str, Table] = {t.name: t for d in DATASETS.values() for t in d.tables} | {ACTORS.name: ACTORS}
"""Every psa table by name."""

__all__ = ["ACTORS", "ANSWER_SETS", "ANSWER_SET_OF", "DATASETS", "TABLES", "AnswerSet", "Dataset", "Table"]
