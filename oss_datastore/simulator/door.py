"""The simulator's own door, /_simulator/…: its clock, its faults and its log, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from oss_datastore.simulator.faults import read_faults
from oss_datastore.simulator.http import Asked, Reply

if TYPE_CHECKING:
    from oss_datastore.simulator.application import Application

PREFIX = "/_simulator"


def knock(application: Application, asked: Asked) -> Reply:
    """The answer to a request at the door: 200, or 422 and what was expected."""
    try:
        status, payload = 200, _answer(application, asked)
    except (ValueError, KeyError, TypeError) as wrong:
        status, payload = 422, {"message": f"cannot do {asked.method} {asked.path}: {wrong}"}
    return Reply(status, json.dumps(payload).encode(), {"content-type": "application/json"})


def _answer(application: Application, asked: Asked) -> dict[str, Any]:
    what = asked.path.removeprefix(PREFIX).strip("/")
    acts: dict[tuple[str, str], Callable[[], None]] = {
        ("POST", "clock"): lambda: _hold(application, json.loads(asked.body)["now"]),
        ("POST", "faults"): lambda: application.faults.declare(read_faults(json.loads(asked.body))),
        ("DELETE", "log"): application.log.clear,
    }
    views: dict[str, Callable[[Application], dict[str, Any]]] = {"clock": _clock, "faults": _faults, "log": _log}
    if what not in views or (asked.method != "GET" and (asked.method, what) not in acts):
        raise ValueError(f"expected GET of {', '.join(views)}, POST of clock and faults, or DELETE of log")
    if asked.method != "GET":
        acts[asked.method, what]()
    return views[what](application)


def _hold(application: Application, text: str | None) -> None:
    application.set_now(None if text is None else datetime.fromisoformat(text))


def _clock(application: Application) -> dict[str, Any]:
    return {"now": datetime.fromtimestamp(application.now, UTC).isoformat(), "held": application.held}


def _faults(application: Application) -> dict[str, Any]:
    faults = application.faults
    return {"declared": [fault.text for fault in faults.declared], "struck": dict(faults.struck)}


def _log(application: Application) -> dict[str, Any]:
    log = application.log
    return {
        "requests": sum(log.by_status.values()),
        "by_endpoint": dict(log.by_endpoint),
        "by_status": {str(status): times for status, times in log.by_status.items()},
        "during_block": application.gate.blocked_requests,
    }
