"""What Redshift says otherwise than PostgreSQL, put into PostgreSQL's words for the shim. No test stands here."""

from __future__ import annotations

import re

_LAYOUT = re.compile(
    r"\bdiststyle\s+(?:key|even|all|auto)\b|\bdistkey\s*\(\s*\w+\s*\)|\b(?:compound\s+)?sortkey\s*\([^)]*\)",
    re.IGNORECASE,
)
_OF_DATES = re.compile(r"\b(dateadd|datediff)\s*\(\s*(\w+)\s*,", re.IGNORECASE)
_LISTAGG = re.compile(r"\blistagg\s*\(", re.IGNORECASE)
_WITHIN = re.compile(r"\s*within\s+group\s*\(\s*order\s+by\s+", re.IGNORECASE)
_ROLE = re.compile(r"\b(to|grant)\s+role\s+", re.IGNORECASE)
_NEW_ROLE = re.compile(r"\s*create\s+role\s+(\w+)\s*;?\s*\Z", re.IGNORECASE)
_NEW_USER = re.compile(
    r"\s*create\s+user\s+(\w+|\"[^\"]+\")\s+password\s+(disable|'md5\w{32}')\s*;?\s*\Z", re.IGNORECASE
)


def for_postgres(statement: str) -> str:
    """The statement as PostgreSQL takes it."""
    found = _NEW_ROLE.match(statement)
    if found:
        return f"select shim_create_role('{found[1]}')"
    found = _NEW_USER.match(statement)
    if found:
        password = "null" if found[2].lower() == "disable" else found[2]
        return f"create user {found[1]} password {password}"
    words = statement.lower()
    if "create" in words and "table" in words:
        statement = _LAYOUT.sub("", statement)
    if "role" in words:
        statement = _ROLE.sub(r"\1 ", statement)
    if "dateadd" in words or "datediff" in words:
        statement = _OF_DATES.sub(r"shim_\1('\2',", statement)
    return _listagg(statement) if "listagg" in words else statement


def _listagg(statement: str) -> str:
    """`listagg(a, b) within group (order by c)` as `string_agg(a, b order by c)`."""
    found = _LISTAGG.search(statement)
    if found is None:
        return statement
    end = _closing(statement, found.end() - 1)
    inner, rest = statement[found.end() : end], statement[end + 1 :]
    within = _WITHIN.match(rest)
    if within is None:
        return f"{statement[: found.start()]}string_agg({inner}){_listagg(rest)}"
    opening = rest.index("(", within.start())
    close = _closing(rest, opening)
    order = rest[within.end() : close]
    return f"{statement[: found.start()]}string_agg({inner} order by {order}){_listagg(rest[close + 1 :])}"


def _closing(text: str, opening: int) -> int:
    """Where the parenthesis that opens there closes; texts in quotes do not count."""
    depth, quoted = 0, False
    for place in range(opening, len(text)):
        sign = text[place]
        if sign == "'":
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                return place
    raise ValueError(f"a parenthesis does not close: {text[opening : opening + 80]}")
