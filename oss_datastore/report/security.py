"""Lists about security: what is open, and where nobody looks."""

from __future__ import annotations

from datetime import date

from oss_datastore.report.frames import as_date, dates, holds
from oss_datastore.report.listing import Listing, listing_of
from oss_datastore.report.marts import Audience, Seen

_MOST = 25
_MONTHS = 3
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


def closed(seen: Seen) -> Listing | None:
    """How many alerts were closed in the newest months, how, and after how long."""
    months = seen.read("security_remediation")
    if months.empty:
        return None
    newest = months[months["closed_month"].isin(sorted(set(months["closed_month"]))[-_MONTHS:])]
    frame = newest.assign(
        month=[f"{month:%Y-%m}" for month in newest["closed_month"]],
        kind=newest["alert_kind"].str.replace("_", " "),
        _rank=newest["severity"].map(_RANK).fillna(4),
        median=[None if value is None else round(float(value), 1) for value in newest["exposure_days_median"]],
        p90=newest["exposure_days_p90"].astype("Int64"),
    ).sort_values(["closed_month", "org_login", "kind", "_rank"], ascending=[False, True, True, True])
    columns = {"org_login": "Organisation"} if frame["org_login"].nunique() > 1 else {}
    columns |= {
        "month": "Month",
        "kind": "Kind",
        "severity": "Severity",
        "fixed": "Fixed",
        "dismissed": "Dismissed",
        "false_positives": "False positives",
        "closed_late": "Past due",
        "median": "Median days",
        "p90": "90 % within days",
    }
    note = "By the month of closing. What is still open is in no such time, and false positives are in none."
    return listing_of("closed_alerts", "Alerts that were closed", frame, columns, note, is_open=False)


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
