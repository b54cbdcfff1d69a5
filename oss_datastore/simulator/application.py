"""From a request to an answer: identity, version, limits, faults, the endpoint, and what every answer carries.

Sockets belong to `http`, what is true to `world`, shapes to `v3` and `v4`.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import formatdate
from typing import Any

from oss_datastore.simulator import breakage
from oss_datastore.simulator.door import PREFIX, knock
from oss_datastore.simulator.faults import Faults
from oss_datastore.simulator.http import Asked, Reply
from oss_datastore.simulator.limits import SECONDARY_TEXT, Block, Gate, Limits, Pool
from oss_datastore.simulator.log import Entry, Log
from oss_datastore.simulator.node_ids import former_ids
from oss_datastore.simulator.tokens import SCOPES, Token, Tokens
from oss_datastore.simulator.v3 import paging, versions
from oss_datastore.simulator.v3.call import Call, Listing, Refused
from oss_datastore.simulator.v3.routing import Found, Moved, find
from oss_datastore.simulator.v4.execution import GraphQL
from oss_datastore.simulator.visit import Visit
from oss_datastore.simulator.world import World
from oss_datastore.simulator.world.dice import day_of

DOCS = "https://docs.github.com/rest"
WIRE_FAULTS = ("reset", "truncated", "not_json", "timeout", "server_error", "bad_gateway", "unavailable")
GRAPHQL_FAULTS = (
    "graphql_invalid",
    "graphql_node_limit",
    "graphql_rate_limit",
    "graphql_secondary_limit",
    "graphql_timeout",
    "graphql_timeout_200",
)
REFUSALS = ("secondary_limit", "primary_limit", "forbidden", "not_found", "blocked")


class Application:
    """Answers requests; everything it remembers between them is limits, fault counters and the log."""

    def __init__(
        self,
        world: World,
        *,
        tokens: Mapping[str, Token | str] | None,
        limits: Limits,
        faults: Faults,
        latency_ms: float,
        timeout_seconds: float,
        now: datetime | None,
    ) -> None:
        self.world, self.faults, self.limits = world, faults, limits
        self.tokens = Tokens(tokens)
        self.gate = Gate(limits)
        self.log = Log()
        self.latency = latency_ms / 1000
        self.timeout_seconds = timeout_seconds
        self.base = ""
        self._held = now
        self._leapt = 0.0
        self._graphql: GraphQL | None = None
        self._serial = 0

    @property
    def now(self) -> int:
        """The simulated instant: held, or the real one."""
        held = self._held
        return int(time.time() if held is None else held.timestamp())

    @property
    def held(self) -> bool:
        """Whether the calendar stands still."""
        return self._held is not None

    def set_now(self, now: datetime | None) -> None:
        """Holds the calendar at a moment, or lets it go on with real time. Raises ValueError without a time zone."""
        if now is not None and now.tzinfo is None:
            raise ValueError(f"now must have a time zone, not {now.isoformat()}")
        before = self.now
        self._held = now
        self._leapt += max(0, self.now - before)

    def elapsed(self) -> float:
        """Seconds for limits: real ones, and those that the calendar was moved on, so that a new day is a new hour."""
        return time.monotonic() + self._leapt

    def finished(self) -> None:
        """Called when an answer has left."""
        self.gate.in_flight -= 1

    def answer(self, asked: Asked) -> Reply:
        """The answer to one request."""
        self.gate.in_flight += 1
        if asked.path.startswith(PREFIX):
            return knock(self, asked)
        self._serial += 1
        visit = Visit(asked, "", Token("outsider"), versions.DEFAULT)
        try:
            reply = self._answer(visit)
        except Refused as refused:
            reply = self._refusal(visit, refused)
        self._finish(visit, reply)
        self.log.add(Entry(asked.method, asked.target, visit.endpoint, reply.status, visit.outcome))
        return reply

    # --- the way through ---

    def _answer(self, visit: Visit) -> Reply:
        asked = visit.asked
        if not asked.headers.get("user-agent"):
            visit.outcome = "no user agent"
            text = b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
            return Reply(403, text + b" (https://docs.github.com/rest).\n", {"content-type": "text/html"})
        known = self.tokens.find(asked.headers.get("authorization"))
        if known is None:
            visit.charge = False
            raise Refused(401, "Bad credentials")
        visit.key, visit.token = known
        visit.version = asked.headers.get("x-github-api-version", versions.DEFAULT)
        if visit.version not in versions.VERSIONS:
            wrong, visit.version = visit.version, versions.DEFAULT
            raise Refused(400, f"API version {wrong} is not supported: {', '.join(versions.VERSIONS)} are.")
        if asked.path == "/graphql" and asked.method == "POST":
            return self._v4(visit)
        if asked.method not in ("GET", "HEAD"):
            raise Refused(404, "Not Found")
        return self._v3(visit)

    def _v3(self, visit: Visit) -> Reply:
        asked = visit.asked
        if asked.path == "/rate_limit":
            visit.endpoint, visit.charge = asked.path, False
            return self._json(visit, self._rate_limit(visit))
        found = find(asked.path, self.world, self.now)
        if isinstance(found, Moved):
            return self._moved(visit, found)
        route = found.route
        visit.endpoint, visit.permission, visit.scopes = route.template, route.permission, route.scopes
        self._hurry(visit)
        key = found.canonical + "?" + "&".join(f"{k}={v}" for k, v in sorted(asked.query.items()))
        fault = self._fault(visit, WIRE_FAULTS + REFUSALS, (asked.path, found.alias, found.canonical), key)
        if fault not in (None, "truncated", "not_json"):
            return self._broken(visit, str(fault))
        pool = self.gate.pool(visit.key, "core", self.elapsed())
        if pool.remaining <= 0:
            raise self._exhausted(visit)
        self._permitted(visit)
        reply = self._endpoint(visit, found)
        if fault is not None:
            return breakage.spoil(reply, fault)
        return reply

    def _endpoint(self, visit: Visit, found: Found) -> Reply:
        asked = visit.asked
        call = Call(self.world, self.now, self.base, visit.token, self.faults, path=found.values, query=asked.query)
        payload = found.route.handler(call)
        link = None
        if isinstance(payload, Listing):
            payload, link = paging.page(payload, call.query, self.base + found.alias, found.route.cursor)
        reply = self._json(visit, payload)
        if link:
            reply.headers["link"] = link
        tag = hashlib.blake2b(digest_size=16)
        for part in (visit.key.encode(), asked.target.encode(), visit.version.encode(), reply.body):
            tag.update(part)
        etag = f'W/"{tag.hexdigest()}"'
        reply.headers["etag"] = etag
        asked_for = asked.headers.get("if-none-match", "")
        if asked_for and etag.removeprefix("W/") in [tag.strip().removeprefix("W/") for tag in asked_for.split(",")]:
            visit.charge, visit.outcome = False, "not modified"
            return Reply(304, b"", reply.headers)
        return reply

    def _v4(self, visit: Visit) -> Reply:
        visit.resource, visit.endpoint, visit.charge = "graphql", "/graphql", False
        if visit.key == "":
            raise Refused(401, "This endpoint requires you to be authenticated.")
        try:
            body = json.loads(visit.asked.body)
            query, variables = body["query"], body.get("variables") or {}
            if not isinstance(query, str) or not isinstance(variables, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise Refused(400, "Problems parsing JSON") from None
        self._hurry(visit)
        pool = self.gate.pool(visit.key, "graphql", self.elapsed())
        if self._graphql is None:
            self._graphql = GraphQL()
        asked = self._graphql.read(query, variables, body.get("operationName"))
        path = f"/graphql/{asked.name}"
        told = "&".join(f"{name}={value}" for name, value in sorted(variables.items()))
        paths = (path, f"{path}?{told}")
        call = Call(self.world, self.now, self.base, visit.token, self.faults, paths=paths)
        fault = self._fault(visit, (*WIRE_FAULTS, *REFUSALS, *GRAPHQL_FAULTS, "graphql_resource_limits"), paths)
        if fault in GRAPHQL_FAULTS:
            return self._graphql_refused(visit, str(fault))
        if fault not in (None, "truncated", "not_json", "graphql_resource_limits"):
            return self._broken(visit, str(fault))
        if pool.remaining <= 0:
            return self._graphql_exhausted(visit)
        outcome = self._graphql.run(asked, call, pool, self.now + int(pool.ends - self.elapsed()))
        pool.used += outcome.cost
        visit.outcome = outcome.problem
        if fault == "graphql_resource_limits":
            outcome = breakage.cut_short(outcome)
            visit.outcome = fault
        reply = self._json(visit, outcome.payload)
        return breakage.spoil(reply, fault) if fault in ("truncated", "not_json") else reply

    # --- what may stand in the way ---

    def _fault(self, visit: Visit, names: tuple[str, ...], paths: tuple[str, ...], key: str = "") -> str | None:
        fault = self.faults.strike(names, paths, key or paths[-1], day_of(self.now))
        if fault:
            visit.outcome = fault
        return fault

    def _hurry(self, visit: Visit) -> None:
        block = self.gate.haste(visit.key, visit.endpoint, 1, self.elapsed())
        if block is not None:
            raise self._secondary(visit, block)

    def _secondary(self, visit: Visit, block: Block) -> Refused:
        visit.outcome, visit.charge = visit.outcome or "secondary limit", False
        headers = {}
        if block.variant == "retry-after":
            headers["retry-after"] = str(max(1, math.ceil(block.until - self.elapsed())))
        if block.variant == "remaining-zero":
            headers["x-ratelimit-remaining"] = "0"
            headers["x-ratelimit-reset"] = str(self.now + max(1, math.ceil(block.until - self.elapsed())))
        return Refused(self.limits.secondary_status, SECONDARY_TEXT, headers=headers)

    def _exhausted(self, visit: Visit) -> Refused:
        visit.outcome, visit.charge = "primary limit", False
        if visit.key == "":
            return Refused(self.limits.primary_status, "API rate limit exceeded for 127.0.0.1.")
        who = Call(self.world, self.now, self.base, visit.token, self.faults).viewer()
        kind = "installation" if visit.token.kind == "app" else "user"
        return Refused(self.limits.primary_status, f"API rate limit exceeded for {kind} ID {who.id}.")

    def _graphql_exhausted(self, visit: Visit) -> Reply:
        visit.outcome = "primary limit"
        message = self._exhausted(visit).message
        error: dict[str, Any] = {"type": self.gate.graphql_error_type(), "message": message}
        if error["type"] == "RATE_LIMIT":
            error["code"] = "graphql_rate_limit"
        return self._json(visit, {"errors": [error]})

    def _graphql_refused(self, visit: Visit, fault: str) -> Reply:
        pool = self.gate.pool(visit.key, "graphql", self.elapsed())
        if fault == "graphql_rate_limit":
            pool.used = pool.limit
            return self._graphql_exhausted(visit)
        if fault in ("graphql_timeout", "graphql_timeout_200"):
            pool.used += breakage.TIMEOUT_POINTS
            reply = breakage.failure("timeout", True, self._request_id())
            reply.status = 502 if fault == "graphql_timeout" else 200
            return reply
        reply = self._json(visit, breakage.GRAPHQL_REFUSALS[fault])
        if fault == "graphql_secondary_limit":
            block = self.gate.block(visit.key, self.elapsed())
            reply.headers["retry-after"] = str(max(1, math.ceil(block.until - self.elapsed())))
        return reply

    def _permitted(self, visit: Visit) -> None:
        name = visit.permission.partition("=")[0]
        if visit.token.kind != "classic" and name in visit.token.without:
            raise Refused(403, f"Resource not accessible by {visit.token.noun}")

    def _broken(self, visit: Visit, fault: str) -> Reply:
        v4 = visit.resource == "graphql"
        pool = self.gate.pool(visit.key, visit.resource, self.elapsed())
        match fault:
            case "secondary_limit":
                raise self._secondary(visit, self.gate.block(visit.key, self.elapsed()))
            case "primary_limit":
                pool.used = pool.limit
                if v4:
                    return self._graphql_exhausted(visit)
                raise self._exhausted(visit)
            case "forbidden" | "not_found" | "blocked":
                raise breakage.refusal(fault, visit.token.noun)
        if v4 and fault in breakage.FAILURES:
            pool.used += breakage.TIMEOUT_POINTS
        reply = breakage.failure(fault, v4, self._request_id())
        reply.delay = self.timeout_seconds if fault == "timeout" else 0.0
        return reply

    # --- what every answer carries ---

    def _json(self, visit: Visit, payload: Any, status: int = 200) -> Reply:
        if visit.version == versions.NEWER and visit.resource == "core":
            payload = versions.newer(payload)
        if self.faults.declared:
            path = visit.asked.path
            if self.faults.holds("former_node_ids", (path,), path, day_of(self.now)):
                payload = former_ids(payload)
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        return Reply(status, body, {"content-type": "application/json; charset=utf-8"})

    def _moved(self, visit: Visit, moved: Moved) -> Reply:
        visit.endpoint, visit.outcome = "moved", "moved"
        query = visit.asked.target.partition("?")[2]
        url = self.base + moved.path + (f"?{query}" if query else "")
        payload = {"message": "Moved Permanently", "url": url, "documentation_url": DOCS}
        reply = self._json(visit, payload, 301)
        reply.headers["location"] = url
        return reply

    def _refusal(self, visit: Visit, refused: Refused) -> Reply:
        extra = dict(refused.extra)
        headers: dict[str, str] = extra.pop("headers", {})
        visit.outcome = visit.outcome or refused.message
        payload = {"message": refused.message, **extra, "documentation_url": DOCS, "status": str(refused.status)}
        reply = self._json(visit, payload, refused.status)
        reply.headers |= headers
        return reply

    def _request_id(self) -> str:
        return f"{self._serial:04X}:{self.world.seed & 0xFFFF:04X}:51:{self._serial:X}"

    def _rate_limit(self, visit: Visit) -> dict[str, Any]:
        real = self.elapsed()
        resources = {}
        for name in ("core", "graphql", "search"):
            pool = self.gate.pool(visit.key, name, real)
            resources[name] = {
                "limit": pool.limit,
                "used": min(pool.used, pool.limit),
                "remaining": pool.remaining,
                "reset": self._reset(pool),
            }
        return {"resources": resources, "rate": resources["core"]}

    def _reset(self, pool: Pool) -> int:
        return self.now + max(0, math.ceil(pool.ends - self.elapsed()))

    def _finish(self, visit: Visit, reply: Reply) -> None:
        headers = reply.headers
        reply.delay += self.latency
        headers["date"] = formatdate(self.now, usegmt=True)
        headers["server"] = "github.com"
        headers["x-github-request-id"] = self._request_id()
        if visit.outcome == "no user agent":
            return
        pool = self.gate.pool(visit.key, visit.resource, self.elapsed())
        if visit.charge:
            pool.used += 1
        own = {
            "x-github-media-type": "github.v3; format=json" if visit.resource == "core" else "github.v4; format=json",
            "x-ratelimit-limit": str(pool.limit),
            "x-ratelimit-remaining": str(pool.remaining),
            "x-ratelimit-used": str(min(pool.used, pool.limit)),
            "x-ratelimit-reset": str(self._reset(pool)),
            "x-ratelimit-resource": visit.resource,
            "cache-control": "private, max-age=60, s-maxage=60",
            "vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
        }
        if visit.resource == "core":
            own["x-github-api-version-selected"] = visit.version
            if visit.token.kind != "classic":
                own["x-accepted-github-permissions"] = visit.permission
        if visit.token.kind == "classic" and visit.key:
            own["x-oauth-scopes"] = SCOPES if visit.token.role == "owner" else "read:org, repo"
            own["x-accepted-oauth-scopes"] = visit.scopes
        reply.headers = {**own, **headers}
