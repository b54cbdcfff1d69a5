"""What of a failure is kept: bodies of every kind, within limits, and no secret in any column."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from datetime import date
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oss_datastore import redaction
from oss_datastore.dead_letters import DeadLetterQueue
from oss_datastore.dead_letters.records import BODY_LIMIT
from oss_datastore_tests.dead_letters.failures import SCOPE, failure

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"", "utf-8"),
        (b"<!DOCTYPE html>\r\n<p>It's 'quoted' \\ \"&amp;\" %s {}</p>", "utf-8"),
        ("Ünïcödé 🦄 \u2028 \ufeff \x01\x7f".encode(), "utf-8"),
        (b'{"cut": [1, 2', "utf-8"),
        (b"text with a NUL \x00 inside", "base64"),
        (b"\xff\xfe\x00latin \xe9", "base64"),
        ("cut in the middle of a character é".encode()[:-1], "base64"),
        (PNG, "base64"),
        (bytes(range(256)), "base64"),
    ],
)
def test_bodies_survive_byte_for_byte(queue: DeadLetterQueue, body: bytes, encoding: str) -> None:
    letter = queue.get(queue.put(failure(body=body)))
    assert (letter.body_bytes, letter.body_encoding, letter.body_length) == (body, encoding, len(body))
    json.dumps(letter.as_dict())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.none() | st.binary(max_size=200),
    message=st.text(max_size=60),
    request=st.none()
    | st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.floats() | st.none(), max_size=3),
    cause=st.text(max_size=400),
)
def test_whatever_a_failure_says_the_queue_takes_it(
    queue: DeadLetterQueue, body: bytes | None, message: str, request: dict[str, Any] | None, cause: str
) -> None:
    told = failure(body=body, message=message, request=request, cause=cause)
    number = queue.put(told)
    letter = queue.get(number)
    if body is not None and redaction.redact(body) == body:
        assert letter.body_bytes == body
    assert queue.put(told) == number


def test_no_body_is_not_an_empty_body(queue: DeadLetterQueue) -> None:
    letter = queue.get(queue.put(failure(body=None)))
    assert (letter.body, letter.body_bytes, letter.body_length) == (None, None, None)


@pytest.mark.parametrize("piece", [b"x", "é".encode(), "🦄".encode(), b"\x00\xff"])
def test_long_bodies_are_cut_and_their_length_is_kept(queue: DeadLetterQueue, piece: bytes) -> None:
    body = b"#" + piece * 200_000
    letter = queue.get(queue.put(failure(body=body)))
    assert letter.body_bytes is not None
    assert BODY_LIMIT - 4 < len(letter.body_bytes) <= BODY_LIMIT
    assert body.startswith(letter.body_bytes)
    assert letter.body_length == len(body)


def test_long_messages_and_requests_are_cut(queue: DeadLetterQueue) -> None:
    letter = queue.get(queue.put(failure(message="m" * 10_000, request={"query": "q" * 100_000})))
    assert len(letter.message) == 2000
    assert letter.request is not None
    assert len(letter.request["query"]) == 16 * 1024


def test_where_a_line_that_did_not_parse_lies_is_kept(queue: DeadLetterQueue) -> None:
    staged = {"key": "staging/issues/load_date=2026-11-01/g1/part-0.jsonl.gz", "line": 17}
    letter = queue.get(queue.put(failure(source="etl", staged=staged, request=None, status=None)))
    assert (letter.staged, letter.request, letter.status) == (staged, None, None)


TOKEN = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
SECRETS = [
    TOKEN,
    TOKEN.replace("ghp_", "gho_"),
    TOKEN.replace("ghp_", "ghs_"),
    TOKEN.replace("ghp_", "ghu_"),
    TOKEN.replace("ghp_", "ghr_"),
    "github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiIxMjM0NTYifQ.c2lnbmF0dXJlX29mX3RoZV90b2tlbg",
    "remembered-alert-webhook-secret",
]
FORMS = [
    "{}",
    "Authorization: Bearer {}",
    '{{"config": {{"secret": "{}"}}}}',
    "https://user:{}@github.com/acme/web.git",
    "https://bucket.s3.amazonaws.com/key?X-Amz-Signature={}&X-Amz-Date=1",
    "client_secret={}&x=1",
]


def all_columns(url: str) -> str:
    """Everything that lies in the queue's tables, as text; base64 bodies decoded too."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        texts = []
        for table in ("letters", "transitions", "receipts", "memory"):
            cursor.execute(f"select to_jsonb(t)::text from dead_letter_queue.{table} t")
            texts += [row[0] for row in cursor.fetchall()]
        cursor.execute("select body from dead_letter_queue.letters where body_encoding = 'base64'")
        texts += [base64.b64decode(row[0]).decode("latin-1") for row in cursor.fetchall()]
    return "\n".join(texts)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_reaches_any_column(
    queue: DeadLetterQueue, queue_url: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_remembered", frozenset({SECRETS[-1]}))
    for number, form in enumerate(FORMS):
        text = form.format(secret)
        told = failure(
            scope=f"{SCOPE}/{number}",
            cause=f"cause {text}",
            error_class=f"class {text}",
            message=text,
            request={"url": text, "headers": {"Authorization": secret}, "variables": {"a": [text]}, text: 1},
            headers={
                "Authorization": secret,
                "Location": text,
                "Link": text,
                "X-GitHub-SSO": text,
                "Set-Cookie": secret,
            },
            body=text.encode(),
            staged={"key": "k", "text": text},
        )
        letter = queue.put(told, who=f"run {text}")
        queue.put(failure(scope=f"{SCOPE}/{number}", cause="binary", body=b"\x00\xff\n" + text.encode() + b"\n\x00"))
        queue.annotate(letter, text)
        queue.claim(ids=[letter], who=text)
        queue.reopen(letter, who=text, why=text)
        queue.discard(letter, who=text, why=text)
        queue.remember(f"alert {number}", text)
    kept = all_columns(queue_url)
    assert secret not in kept
    assert redaction.REDACTED in kept


@pytest.mark.parametrize("before", [BODY_LIMIT - 60, BODY_LIMIT - 20, BODY_LIMIT - 1])
def test_a_secret_that_lies_across_the_cut_leaves_no_part_of_itself(queue: DeadLetterQueue, before: int) -> None:
    letter = queue.get(queue.put(failure(body=b"#" * (before - 1) + b" " + TOKEN.encode() * 3 + b" tail" * 20_000)))
    assert letter.body is not None
    assert "ghp_" not in letter.body


def test_a_body_full_of_secrets_leaves_no_part_of_one(queue: DeadLetterQueue) -> None:
    letter = queue.get(queue.put(failure(body=(TOKEN.encode() + b" ") * 20_000)))
    assert letter.body is not None
    assert set(letter.body.split()) <= {redaction.REDACTED, "[redac", *(redaction.REDACTED[:n] for n in range(10))}


def test_the_day_is_a_day_in_any_time_zone_of_the_server(queue: DeadLetterQueue) -> None:
    assert queue.get(queue.put(failure(day=date(2024, 2, 29)))).day == date(2024, 2, 29)
