"""The first screen of the page as a plain message, for those who read it in their mail or chat."""

from __future__ import annotations

from datetime import datetime

from oss_datastore.alerts import Alert, Severity
from oss_datastore.report.frames import last_day
from oss_datastore.report.marts import Audience, Marts, Seen
from oss_datastore.report.sentences import first_screen
from oss_datastore.report.words import day_text


def weekly_digest(marts: Marts, now: datetime, *, audience: Audience | str = Audience.internal) -> Alert:
    """The message as one audience may read it: the sentences of the page without markup, a paragraph each."""
    seen = Seen(marts, Audience(audience))
    day = last_day(seen)
    sentences = first_screen(seen)
    urgent = sum(sentence.tone == "act" for sentence in sentences)
    subject = f"Open source, week to {day_text(day)}" if day else "Open source: no day has been loaded yet"
    if day and urgent:
        subject += f": {urgent} {'thing wants' if urgent == 1 else 'things want'} a decision"
    return Alert(
        concern="weekly_digest",
        severity=Severity.note.value,
        subject=subject,
        body="\n\n".join(f"{sentence.heading}: {sentence.text.striptags()}" for sentence in sentences),
        letters=0,
        at=now.isoformat(),
        dataset="organizations",
    )
