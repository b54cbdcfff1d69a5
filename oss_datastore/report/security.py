"""Lists about security: what is open, and where nobody looks."""

from __future__ import annotations

from datetime import date

from oss_datastore.report.frames import as_date, dates, holds
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Audience, Seen

_MOST = 25
_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


def alerts_of(seen: Seen) -> list[Listing]:
    """Open Dependabot alerts, for those who mend them."""
    alerts = seen.read("security_alerts_current")
    if seen.audience is not Audience.security or alerts.empty:
        return []
    open_ones = alerts[alerts["state"] == "open"]
    frame = open_ones.assign(
        _rank=open_ones["severity"].map(_RANK),
        due=dates(open_ones["due_at"]),
    ).sort_values(["_rank", "due_at", "repository", "alert_number"])
    columns = {
        "repository": "Repository",
        "severity": "Severity",
        "package_name": "Package",
        "advisory_summary": "Advisory",
        "first_patched_version": "Fixed in",
        "exposure_days": "Days open",
        "due": "Due",
        "is_overdue": "Past due",
    }
    return [listing_of("open_alerts", "Open Dependabot alerts", frame, columns, most=_MOST)]


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
        due=dates(found["due_at"]),
    ).sort_values(["_rank", "created_at", "repository", "alert_kind", "alert_number"])
    columns = {
        "repository": "Repository",
        "kind": "Kind",
        "severity": "Severity",
        "subject": "What",
        "exposure_days": "Days open",
        "due": "Due",
        "is_overdue": "Past due",
    }
    note = "Every secret counts as critical. Findings about quality have no due date."
    return listing_of(
        "open_scanning_alerts", "Open alerts of code and secret scanning", frame, columns, note, most=_MOST
    )


def not_watched(seen: Seen, now: date) -> Listing | None:
    """Repositories with features of security that are off, or of which nobody can tell."""
    coverage = seen.read("security_coverage_daily")
    today = coverage[coverage["day"].map(as_date) == now] if not coverage.empty else coverage
    lacking = today[(today["state"] != "on") & ~holds(today["is_archived"])]
    if lacking.empty:
        return None
    features = lacking.assign(feature=lacking["feature"].str.replace("_", " "))
    frame = features.pivot_table(
        index="repository", columns="state", values="feature", aggfunc=lambda names: ", ".join(sorted(names))
    ).reindex(columns=["off", "unknown"])
    columns = {"repository": "Repository", "off": "Off", "unknown": "Unknown"}
    note = "Off: nobody looks. Unknown: hidden from the token, or the list did not come. Archived ones are left out."
    return listing_of("not_watched", "Where nobody looks", frame.reset_index(), columns, note, is_open=False)
