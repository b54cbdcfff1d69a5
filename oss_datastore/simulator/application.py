"""From a request to an answer: identity, version, limits, faults, the endpoint, and what every answer carries.

Sockets belong to `http`, what is true to `world`, shapes to `v3` and `v4`.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from email.utils import formatdate
from typing import Any

from oss_datastore.simulator import breakage
from oss_datastore.simulator.app_tokens import MINTED, NO_SIGNATURE, AppTokens, hourly_limit, looks_signed
from oss_datastore.simulator.door import PREFIX, knock
from oss_datastore.simulator.faults import Faults
from oss_datastore.simulator.http import Asked, Reply
from oss_datastore.simulator.limits import SECONDARY_TEXT, Block, Gate, Limits, Pool
from oss_datastore.simulator.log import Entry, Log
from oss_datastore.simulator.node_ids import former_ids
from oss_datastore.simulator.tokens import SCOPES, Token, Tokens
from oss_datastore.simulator.v3 import paging, versions
from oss_datastore.simulator.v3.call import Answer, Call, Listing, Refused
from oss_datastore.simulator.v3.routing import Found, Moved, find
from oss_datastore.simulator.v4.execution import GraphQL
from oss_datastore.simulator.visit import Visit
from oss_datastore.simulator.world import World
from oss_datastore.simulator.world.apps import Installation
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
SECONDARY = {
    "secondary_limit": None,
    "secondary_limit_429": "retry-after",
    "secondary_limit_bare": "bare",
    "secondary_limit_remaining": "remaining-zero",
    "secondary_limit_longer": "retry-after",
}
"""The faults that are the secondary limit, and the wording that each has (None: by turns)."""
REFUSALS = (
    *SECONDARY,
    "primary_limit",
    "primary_limit_429",
    "bad_credentials",
    "user_agent_refused",
    "unknown_version",
    "forbidden",
    "not_found",
    "blocked",
    "blocked_403",
)
HARMLESS = (None, "truncated", "not_json", "graphql_resource_limits")
"""Faults after which a request is answered all the same."""


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
        computing: int,
        app: AppTokens,
    ) -> None:
        self.world, self.faults, self.limits = world, faults, limits
        self.tokens = Tokens(tokens)
        self.gate = Gate(limits)
        self.log = Log()
        self.latency = latency_ms / 1000
        self.timeout_seconds = timeout_seconds
        self.app = app
        self.base = ""
        self._computing = computing
        self._computed: Counter[tuple[object, ...]] = Counter()
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
            return self._without_user_agent(visit)
        self._recognise(visit)
        visit.version = asked.headers.get("x-github-api-version", versions.DEFAULT)
        if visit.version not in versions.VERSIONS:
            raise self._unknown_version(visit)
        if asked.path == "/graphql" and asked.method == "POST":
            return self._v4(visit)
        return self._v3(visit)

    def _recognise(self, visit: Visit) -> None:
        """Finds out who asks. Raises Refused for a token or signature that is not good."""
        authorization = visit.asked.headers.get("authorization")
        value = (authorization or "").partition(" ")[2].strip()
        if looks_signed(value):
            visit.charge, visit.signed = False, True
            self.app.check(value, self.now)
            visit.key = visit.budget = "app"
            return
        installation = self.app.find(value, self.elapsed())
        if installation is not None:
            visit.key, visit.budget = value, f"installation {installation.id}"
            visit.token = Token("owner", "app", org=installation.org.login)
            return
        known = None if value.startswith(MINTED) else self.tokens.find(authorization)
        if known is None:
            visit.charge = False
            raise Refused(401, "Bad credentials")
        visit.key, visit.token = known
        visit.budget = visit.key

    def _v3(self, visit: Visit) -> Reply:
        asked = visit.asked
        if asked.path == "/rate_limit":
            visit.endpoint, visit.charge = asked.path, False
            if self._fault(visit, ("rate_limit_hidden",), (asked.path,)):
                raise Refused(404, "Rate limiting is not enabled.")
            return self._json(visit, self._rate_limit(visit))
        found = find(asked.path, self.world, self.now, "GET" if asked.method == "HEAD" else asked.method)
        if isinstance(found, Moved):
            return self._moved(visit, found)
        route = found.route
        visit.endpoint, visit.permission, visit.scopes = route.template, route.permission, route.scopes
        named = found.values.get("org") or found.values.get("owner")
        if named and visit.token.org and named.lower() != visit.token.org.lower():
            visit.token = replace(visit.token, role="outsider")
        visit.resource, visit.paths = route.resource, (asked.path, found.alias, found.canonical)
        if route.as_app != visit.signed:
            visit.charge = False
            raise Refused(401, NO_SIGNATURE if route.as_app else "Bad credentials")
        self._hurry(visit)
        key = found.canonical + "?" + "&".join(f"{k}={v}" for k, v in sorted(asked.query.items()))
        fault = self._fault(visit, WIRE_FAULTS + REFUSALS, visit.paths, key)
        if fault not in HARMLESS:
            return self._broken(visit, str(fault))
        pool = self.gate.pool(visit.budget, visit.resource, self.elapsed())
        if visit.resource == "search" and self._fault(visit, ("search_limit",), visit.paths, key):
            pool.used = pool.limit
        if pool.remaining <= 0 and not visit.signed:
            raise self._exhausted(visit)
        self._permitted(visit)
        reply = self._endpoint(visit, found)
        return reply if fault is None else breakage.spoil(reply, fault)

    def _call(self, visit: Visit, found: Found) -> Call:
        return Call(
            self.world,
            self.now,
            self.base,
            visit.token,
            self.faults,
            path=found.values,
            query=visit.asked.query,
            headers=visit.asked.headers,
            paths=visit.paths,
            computed=self._computed,
            computing=self._computing,
            mint=self._mint if visit.signed else None,
        )

    def _mint(self, installation: Installation) -> tuple[str, int]:
        limit = hourly_limit(self.world, installation, self.limits.installation, self.now)
        self.gate.allow(f"installation {installation.id}", limit)
        return self.app.mint(installation, self.now, self.elapsed())

    def _endpoint(self, visit: Visit, found: Found) -> Reply:
        asked, call, fault = visit.asked, self._call(visit, found), None
        if self.faults.declared:
            repository = found.repository
            if repository is not None and call.holds("deleted", repository):
                raise Refused(404, "Not Found")
            if repository is not None and asked.path.startswith("/repos/") and call.holds("moved", repository):
                return self._moved(visit, Moved(found.alias))
            fault = self._paging_fault(call, found)
        payload = found.route.handler(call)
        link = None
        if isinstance(payload, Listing):
            headers = payload.headers
            entries, link = paging.page(payload, call.query, self.base + found.alias, found.route, fault)
            answer = Answer(entries, 200, headers)
        else:
            answer = payload if isinstance(payload, Answer) else Answer(payload)
        reply = Reply(answer.status) if answer.payload is None else self._json(visit, answer.payload, answer.status)
        reply.headers |= answer.headers
        if link:
            reply.headers["link"] = link
        return self._conditional(visit, reply) if answer.status == 200 else reply

    def _paging_fault(self, call: Call, found: Found) -> str | None:
        day = day_of(self.now)
        for name in paging.LASTING:
            if self.faults.holds(name, call.paths, found.canonical, day):
                return name
        return next((name for name in paging.STRIKING if call.strikes(name)), None)

    def _conditional(self, visit: Visit, reply: Reply) -> Reply:
        asked = visit.asked
        tag = hashlib.blake2b(digest_size=16)
        for part in (visit.key.encode(), asked.target.encode(), visit.version.encode(), reply.body):
            tag.update(part)
        etag = f'W/"{tag.hexdigest()}"'
        reply.headers["etag"] = etag
        known = [tag.strip().removeprefix("W/") for tag in asked.headers.get("if-none-match", "").split(",")]
        if etag.removeprefix("W/") in known and not self._fault(visit, ("etag_ignored",), visit.paths):
            visit.charge, visit.outcome = False, "not modified"
            return Reply(304, b"", reply.headers)
        return reply

    def _v4(self, visit: Visit) -> Reply:
        visit.resource, visit.endpoint, visit.charge = "graphql", "/graphql", False
        if visit.key == "" or visit.signed:
            raise Refused(401, "This endpoint requires you to be authenticated.")
        try:
            body = json.loads(visit.asked.body)
            query, variables = body["query"], body.get("variables") or {}
            if not isinstance(query, str) or not isinstance(variables, dict):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise Refused(400, "Problems parsing JSON") from None
        self._hurry(visit)
        pool = self.gate.pool(visit.budget, "graphql", self.elapsed())
        if self._graphql is None:
            self._graphql = GraphQL()
        asked = self._graphql.read(query, variables, body.get("operationName"))
        path = f"/graphql/{asked.name}"
        told = "&".join(f"{name}={value}" for name, value in sorted(variables.items()))
        named = [f"{path}/{field}" for field in asked.fields] if self.faults.declared else []
        paths = (*(whole for one in named for whole in (one, f"{one}?{told}")), path, f"{path}?{told}")
        call = Call(self.world, self.now, self.base, visit.token, self.faults, paths=paths)
        fault = self._fault(visit, (*WIRE_FAULTS, *REFUSALS, *GRAPHQL_FAULTS, "graphql_resource_limits"), paths)
        if fault in GRAPHQL_FAULTS:
            return self._graphql_refused(visit, str(fault))
        if fault not in HARMLESS:
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
        block = self.gate.haste(visit.budget, visit.endpoint, 1, self.elapsed())
        if block is not None:
            raise self._secondary(visit, block)

    def _secondary(self, visit: Visit, block: Block, status: int | None = None) -> Refused:
        visit.outcome, visit.charge = visit.outcome or "secondary limit", False
        headers = {}
        left = max(1, math.ceil(block.told - self.elapsed()))
        if block.variant == "retry-after":
            headers["retry-after"] = str(left)
        if block.variant == "remaining-zero":
            headers["x-ratelimit-remaining"] = "0"
            headers["x-ratelimit-reset"] = str(self.now + left)
        return Refused(status or self.limits.secondary_status, SECONDARY_TEXT, headers=headers)

    def _exhausted(self, visit: Visit, status: int | None = None) -> Refused:
        visit.outcome, visit.charge, status = "primary limit", False, status or self.limits.primary_status
        if visit.key == "":
            return Refused(status, "API rate limit exceeded for 127.0.0.1.")
        who = Call(self.world, self.now, self.base, visit.token, self.faults).viewer()
        kind = "installation" if visit.token.kind == "app" else "user"
        return Refused(status, f"API rate limit exceeded for {kind} ID {who.id}.")

    def _graphql_exhausted(self, visit: Visit) -> Reply:
        visit.outcome = "primary limit"
        message = self._exhausted(visit).message
        error: dict[str, Any] = {"type": self.gate.graphql_error_type(), "message": message}
        if error["type"] == "RATE_LIMIT":
            error["code"] = "graphql_rate_limit"
        return self._json(visit, {"errors": [error]})

    def _graphql_refused(self, visit: Visit, fault: str) -> Reply:
        pool = self.gate.pool(visit.budget, "graphql", self.elapsed())
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
            block = self.gate.block(visit.budget, self.elapsed(), "retry-after")
            reply.headers["retry-after"] = str(max(1, math.ceil(block.told - self.elapsed())))
        return reply

    def _permitted(self, visit: Visit) -> None:
        name = visit.permission.partition("=")[0]
        if visit.token.kind != "classic" and name in visit.token.without:
            raise Refused(403, f"Resource not accessible by {visit.token.noun}")

    def _broken(self, visit: Visit, fault: str) -> Reply:
        v4 = visit.resource == "graphql"
        pool = self.gate.pool(visit.budget, visit.resource, self.elapsed())
        if fault in SECONDARY:
            times = 2 if fault == "secondary_limit_longer" else 1
            block = self.gate.block(visit.budget, self.elapsed(), SECONDARY[fault], times)
            raise self._secondary(visit, block, 429 if fault == "secondary_limit_429" else None)
        match fault:
            case "primary_limit" | "primary_limit_429":
                pool.used = pool.limit
                if v4 and fault == "primary_limit":
                    return self._graphql_exhausted(visit)
                raise self._exhausted(visit, 429 if fault == "primary_limit_429" else None)
            case "user_agent_refused":
                return self._without_user_agent(visit)
            case "unknown_version":
                raise self._unknown_version(visit)
            case "forbidden" | "not_found" | "blocked" | "blocked_403" | "bad_credentials":
                raise breakage.refusal(fault, visit.token.noun)
        if v4 and fault in breakage.FAILURES:
            pool.used += breakage.TIMEOUT_POINTS
        reply = breakage.failure(fault, v4, self._request_id())
        reply.delay = self.timeout_seconds if fault == "timeout" else 0.0
        return reply

    # --- what every answer carries ---

    def _json(self, visit: Visit, payload: Any, status: int = 200) -> Reply:
        if visit.paths and self._fault(visit, ("older_version",), visit.paths):
            visit.version = versions.DEFAULT
        if visit.version == versions.NEWER and visit.resource != "graphql":
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

    def _without_user_agent(self, visit: Visit) -> Reply:
        visit.outcome = "no user agent"
        text = b"Request forbidden by administrative rules. Please make sure your request has a User-Agent header"
        return Reply(403, text + b" (https://docs.github.com/rest).\n", {"content-type": "text/html"})

    def _unknown_version(self, visit: Visit) -> Refused:
        wrong, visit.version = visit.version, versions.DEFAULT
        return Refused(400, f"API version {wrong} is not supported: {', '.join(versions.VERSIONS)} are.")

    def _request_id(self) -> str:
        return f"{self._serial:04X}:{self.world.seed & 0xFFFF:04X}:51:{self._serial:X}"

    def _rate_limit(self, visit: Visit) -> dict[str, Any]:
        real = self.elapsed()
        resources = {}
        for name in ("core", "graphql", "search"):
            pool = self.gate.pool(visit.budget, name, real)
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
        pool = self.gate.pool(visit.budget, visit.resource, self.elapsed())
        if visit.charge:
            pool.used += 1
        own = {
            "x-github-media-type": f"github.{'v4' if visit.resource == 'graphql' else 'v3'}; format=json",
            "x-ratelimit-limit": str(pool.limit),
            "x-ratelimit-remaining": str(pool.remaining),
            "x-ratelimit-used": str(min(pool.used, pool.limit)),
            "x-ratelimit-reset": str(self._reset(pool)),
            "x-ratelimit-resource": visit.resource,
            "cache-control": "private, max-age=60, s-maxage=60",
            "vary": "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
        }
        if visit.resource != "graphql":
            own["x-github-api-version-selected"] = visit.version
            if visit.token.kind != "classic":
                own["x-accepted-github-permissions"] = visit.permission
        if visit.token.kind == "classic" and visit.key:
            own["x-oauth-scopes"] = SCOPES if visit.token.role == "owner" else "read:org, repo"
            own["x-accepted-oauth-scopes"] = visit.scopes
        reply.headers = {**own, **headers}
        if visit.paths and self._fault(visit, ("headers_missing",), visit.paths):
            reply.headers = {name: value for name, value in reply.headers.items() if not name.startswith("x-")}
