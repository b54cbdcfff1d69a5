"""The page people open each Monday: one self-contained HTML file made from the infomarts.

Here belong what the page says and how it looks. Numbers are defined in the marts: nothing here computes one that a
mart could hold. No Dagster, no network, no clock.
"""

from __future__ import annotations

from oss_datastore.report.build import build_report
from oss_datastore.report.marts import Audience, Marts, SqlMarts

__all__ = ["Audience", "Marts", "SqlMarts", "build_report"]
