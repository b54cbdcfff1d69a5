"""The first screen of the page as a plain message, for those who read it in their mail or chat."""

from __future__ import annotations

from dataclasses import dataclass

from oss_datastore.report.frames import last_day
from oss_datastore.report.marts import Audience, Marts, Seen
from oss_datastore.report.sentences import first_screen
from oss_datastore.report.words import day_text


@dataclass(frozen=True)
class Digest:
    """What is sent: a line, and below it one paragraph per heading of the first screen."""

    subject: str
    body: str


def weekly_digest(marts: Marts, *, audience: Audience | str = Audience.internal) -> Digest:
    """The digest as one audience may read it: the same sentences as on the page, without markup."""
    seen = Seen(marts, Audience(audience))
    now = last_day(seen)
    sentences = first_screen(seen)
    urgent = sum(sentence.tone == "act" for sentence in sentences)
    subject = f"Open source, week to {day_text(now)}" if now else "Open source: no day has been loaded yet"
    if now and urgent:
        subject += f": {urgent} {'thing wants' if urgent == 1 else 'things want'} a decision"
    paragraphs = [f"{sentence.heading}: {sentence.text.striptags()}" for sentence in sentences]
    return Digest(subject, "\n\n".join(paragraphs))
