"""Takes secrets out of what is about to be written: letters, staged requests, messages, logs.

Here belongs what a secret looks like (its form, the name it stands under) and the list of response headers worth
keeping. Where the cleaned text goes does not. Redaction works on forms, so it also catches secrets that are not
ours; those that have no form (a password, an address that is itself a key) are told by `remember_secret`.

Replacing is idempotent, and everything but the secret stays as it was: a letter must remain evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

_SHORTEST_REMEMBERED = 6
_remembered: frozenset[str] = frozenset()

# Names whose values are secret wherever they stand: fields, headers, query parameters, assignments.
# At the end of the name, so that secret_scanning, token_type and password_changed_at stay readable.
_NAME = (
    r"[\w.-]{0,60}?(?:secret|token|passw(?:or)?d|passphrase|authorization|api[_-]?key|private[_-]?key|"
    r"secret[_-]?access[_-]?key|access[_-]?key[_-]?id|credentials?|cookie|jwt|"
    r"(?:amz|goog|hub)[_-]signature(?:[_-]256)?)"
)
# Parts of signed addresses that do not say so by their name.
_QUERY_NAME = (
    rf"{_NAME}|[\w-]{{0,40}}signature|[\w-]{{0,20}}credential|awsaccesskeyid|sig|jwt|key-pair-id|policy|"
    r"authorization_request|code"
)
_SECRET_FIELD = re.compile(rf"(?:{_NAME}|sig)\Z", re.IGNORECASE)


def _keep(*groups: int) -> Callable[[re.Match[str]], str]:
    """A replacement that keeps some groups around the marker: the first before it, the others after."""
    first, *rest = groups
    return lambda match: match[first] + REDACTED + "".join(match[group] or "" for group in rest)


_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # Key blocks first: what stands inside must not be taken apart by the rules below.
    (
        re.compile(
            r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
            re.DOTALL,
        ),
        REDACTED,
    ),
    # "name": "value", also within a string of JSON, also cut before its end.
    (
        re.compile(rf'("{_NAME}"\s*:\s*")(?:[^"\\]|\\.)+(\\?\Z|")', re.IGNORECASE | re.DOTALL),
        _keep(1, 2),
    ),
    (
        re.compile(rf'(\\"{_NAME}\\"\s*:\s*\\")(?!\\").+?(\\"|\Z)', re.IGNORECASE | re.DOTALL),
        _keep(1, 2),
    ),
    (
        re.compile(rf"('{_NAME}'\s*:\s*b?')(?:[^'\\]|\\.)+(\\?\Z|')", re.IGNORECASE | re.DOTALL),
        _keep(1, 2),
    ),
    # A list or an object below such a name.
    (
        re.compile(rf'("{_NAME}"\s*:\s*[\[{{])(?!\[redacted\])[^\]}}]+', re.IGNORECASE),
        _keep(1),
    ),
    # A pair, as Python shows headers.
    (
        re.compile(rf"(\(b?'{_NAME}'\s*,\s*b?')(?:[^'\\]|\\.)+(\\?\Z|')", re.IGNORECASE | re.DOTALL),
        _keep(1, 2),
    ),
    (re.compile(rf"(<{_NAME}(?:\s[^<>]{{0,200}})?>)[^<]+", re.IGNORECASE), _keep(1)),
    # A header line; first the schemes that need more than one word.
    (
        re.compile(
            r"(\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)(?:digest|aws4-[\w-]{1,40}|hawk|oauth|mac|signature)\s[^\r\n]+",
            re.IGNORECASE,
        ),
        _keep(1),
    ),
    (
        re.compile(
            r"(\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)"
            r"(?!\[redacted\])(?:[a-z]{3,20}\s+)?[^\s'\",;}]+",
            re.IGNORECASE,
        ),
        _keep(1),
    ),
    (re.compile(r"(\b(?:set-)?cookie\s*:\s*)[^\r\n]+", re.IGNORECASE), _keep(1)),
    (re.compile(r"(\b(?:bearer|token|basic)\s+)(?=[a-z._~+/=-]{0,200}\d)[\w.~+/=-]{16,}", re.IGNORECASE), _keep(1)),
    # Any other header, a line of YAML, a sentence: what ends the line, or holds a digit and so is no word.
    (re.compile(rf"(^[ \t>*+-]{{0,20}}{_NAME}[ \t]?:[ \t]+)\S+(?=\s*$)", re.IGNORECASE | re.MULTILINE), _keep(1)),
    (
        re.compile(
            rf"((?<![\w.$-]){_NAME}\s?:\s+['\"]?)(?!\[redacted\])(?=[^\s'\",;]{{0,200}}\d)[^\s'\",;]{{6,}}",
            re.IGNORECASE,
        ),
        _keep(1),
    ),
    (re.compile(rf"((?<!\S)--{_NAME}\s+)(?=\S{{0,200}}\d)\S+", re.IGNORECASE), _keep(1)),
    # scheme://user:password@host, whatever the password holds; a port is none.
    (
        re.compile(r"(://)[^\s/@:\"'<>]{0,256}:(?!\d{1,5}(?:[/?#\s]|\Z))[^\s\"'<>]{1,256}@"),
        r"\1" + REDACTED + "@",
    ),
    (re.compile(r"(://)[^\s/?#\"'<>]{1,512}@"), r"\1" + REDACTED + "@"),
    # The same where the text was cut before the host.
    (re.compile(r"(://)[^\s/@:\[\"'<>]{1,256}:(?!\d{1,5}(?:[/?#\s]|\Z))[^\s/@\"'<>]{1,256}\Z"), r"\1" + REDACTED),
    # Query parameters, with the ampersand also as HTML and JSON write it.
    (
        re.compile(rf"((?:[?&;]|\\u0026)(?:{_QUERY_NAME})=)[^&\s\"'<>#;\\]+", re.IGNORECASE),
        _keep(1),
    ),
    # The same within an address that is itself a parameter.
    (
        re.compile(
            rf"((?:%(?:25)?(?:3F|26)|\b)(?:{_QUERY_NAME})%(?:25)?3D)(?:(?!%(?:25)?26)[^&\s\"'<>#;\\])+", re.IGNORECASE
        ),
        _keep(1),
    ),
    # name=value in a connection string, a form or a shell line.
    (re.compile(rf"(\b{_NAME}\s?=\s?)(?:'[^']*'|\"[^\"]*\"|(?:(?!\\u0026)[^\s&;,'\"<>])+)", re.IGNORECASE), _keep(1)),
    # Forms that speak for themselves.
    (re.compile(r"gh[pousr]_[A-Za-z0-9][\w.-]{9,}"), REDACTED),
    (re.compile(r"github_pat_\w{10,}"), REDACTED),
    (re.compile(r"\bv1\.[0-9a-f]{40}\b"), REDACTED),
    (re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16,}"), REDACTED),
    (re.compile(r"eyJ[\w-]{8,4096}\.[\w-]{8,4096}(?:\.[\w-]{0,4096})?"), REDACTED),
    (re.compile(r"\bxox[a-z]-[\w-]{10,}"), REDACTED),
    (
        re.compile(
            r"(https://(?:hooks\.slack\.com/(?:services|workflows|triggers)|"
            r"(?:\w{1,20}\.)?discord(?:app)?\.com/api/webhooks|[\w.-]{1,100}\.webhook\.office\.com)/)"
            r"[^\s\"'<>\\]+",
            re.IGNORECASE,
        ),
        _keep(1),
    ),
)

# Without one of these no rule above can match; most texts have none, and one search is cheaper than twenty.
_HINT = re.compile(
    r"secret|token|passw|passphrase|authorization|key|credential|cookie|signature|bearer|basic|@|://|"
    r"sig[=%]|jwt|policy[=%]|authorization_request|code[=%]|gh[pousr]_|github_pat_|v1\.|akia|asia|eyj|xox|slack|discord|"
    r"webhook",
    re.IGNORECASE,
)

_HEADERS = frozenset(
    {
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "deprecation",
        "etag",
        "github-authentication-token-expiration",
        "last-modified",
        "link",
        "location",
        "retry-after",
        "server",
        "sunset",
        "warning",
        "x-accepted-github-permissions",
        "x-accepted-oauth-scopes",
        "x-amz-id-2",
        "x-amz-request-id",
        "x-github-api-version-selected",
        "x-github-enterprise-version",
        "x-github-media-type",
        "x-github-request-id",
        "x-github-sso",
        "x-oauth-scopes",
        "x-poll-interval",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-ratelimit-resource",
        "x-ratelimit-used",
    }
)


def remember_secret(value: str) -> None:
    """From now on this process replaces the value wherever it stands, whatever form it has.

    Called once per configured secret. Values of fewer than six characters would hit ordinary words and are
    left to the rules on forms and names.
    """
    global _remembered
    if len(value) >= _SHORTEST_REMEMBERED:
        _remembered |= {value, quote(value, safe="")}


def redact(value: Any) -> Any:
    """The same value without its secrets: text, bytes, and both within mappings and sequences.

    A string under a secret's name (`secret`, `access_token`, `Authorization`, ...) is replaced whole. Numbers,
    truth values, None and dates pass.
    """
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_bytes(value)
    if isinstance(value, Mapping):
        return {
            redact(key): _hide(item) if isinstance(key, str) and _SECRET_FIELD.match(key) else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def redact_text(text: str) -> str:
    """The text with the marker in place of each secret."""
    for secret in _longest_first():
        text = text.replace(secret, REDACTED)
    if _HINT.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact_bytes(data: bytes) -> bytes:
    """The bytes with the marker in place of each secret; every other byte stays, whatever the encoding."""
    # Every byte is one latin-1 character, so that nothing but a secret changes.
    text = data.decode("latin-1")
    for secret in _longest_first():
        text = text.replace(secret.encode().decode("latin-1"), REDACTED)
    return redact_text(text).encode("latin-1")


def allowed_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The response headers worth keeping, lower-case and without secrets; all others are dropped."""
    return {
        name.lower(): redact_text(str(value)) for name, value in sorted(headers.items()) if name.lower() in _HEADERS
    }


def _longest_first() -> list[str]:
    """The remembered secrets: one may be part of another, whose rest would stay."""
    return sorted(_remembered, key=len, reverse=True)


def _hide(value: Any) -> Any:
    """Every string below a secret's name is part of the secret."""
    if isinstance(value, str):
        return REDACTED if value else value
    if isinstance(value, bytes):
        return REDACTED.encode() if value else value
    if isinstance(value, Mapping):
        return {redact(key): _hide(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(item) for item in value]
    return value
