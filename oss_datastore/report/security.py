"""Lists about security: what is open, and where nobody looks."""

from __future__ import annotations

from datetime import date

import pandas as pd  # type: ignore[import-untyped]

from oss_datastore.report.frames import as_date, holds
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Audience, Seen

_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def alerts_of(seen: Seen) -> list[Listing]:
    """Open Dependabot alerts, for those who mend them."""
    alerts = seen.read("security_alerts_current")
    if seen.audience is not Audience.security or alerts.empty:
        return []
    open_ones = alerts[alerts["state"] == "open"]
    frame = open_ones.assign(
        _rank=open_ones["severity"].map(_RANK),
        due=open_ones["due_at"].map(lambda v: None if pd.isna(v) else as_date(v).isoformat()),
    ).sort_values(["_rank", "due_at", "repository", "alert_number"])
    columns = {
        "severity": "Severity",
        "repository": "Repository",
        "package_name": "Package",
        "advisory_summary": "Advisory",
        "first_patched_version": "Fixed in",
        "exposure_days": "Days open",
        "due": "Due",
        "is_overdue": "Past due",
    }
    return [listing_of("open_alerts", "Open alerts", frame, columns)]


def scanning(seen: Seen) -> Listing | None:
    """Open alerts of code and secret scanning, for those who mend them."""
    alerts = seen.read("security_sla")
    if seen.audience is not Audience.security or alerts.empty:
        return None
    found = alerts[(alerts["state"] == "open") & (alerts["alert_kind"] != "dependabot")]
    if found.empty:
        return None
    frame = found.assign(
        kind=[kind.replace("_", " ") for kind in found["alert_kind"]],
        _rank=found["severity"].map(_RANK).fillna(4),
        due=found["due_at"].map(lambda v: None if pd.isna(v) else as_date(v).isoformat()),
    ).sort_values(["_rank", "created_at", "repository", "alert_kind", "alert_number"])
    columns = {
        "kind": "Kind",
        "severity": "Severity",
        "repository": "Repository",
        "subject": "What",
        "exposure_days": "Days open",
        "due": "Due",
        "is_overdue": "Past due",
    }
    note = "Every secret counts as critical. Findings about quality have no due date."
    return listing_of("open_scanning_alerts", "Open alerts of code and secret scanning", frame, columns, note)


def not_watched(seen: Seen, now: date) -> Listing | None:
    """Repositories with features of security that are off."""
    coverage = seen.read("security_coverage_daily")
    today = coverage[coverage["day"].map(as_date) == now] if not coverage.empty else coverage
    off = today[(today["state"] == "off") & ~holds(today["is_archived"])]
    if off.empty:
        return None
    frame = off.groupby("repository")["feature"].agg(lambda v: ", ".join(sorted(v)).replace("_", " ")).reset_index()
    columns = {"repository": "Repository", "feature": "Off"}
    return listing_of("not_watched", "Where nobody looks", frame, columns, "Archived ones are left out.", is_open=False)
