"""What of a failure is kept: bodies of every kind, within limits, and no secret in any column."""

from __future__ import annotations

import base64
import json
import logging
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from oss_datastore import redaction
from oss_datastore.clock import Clock
from oss_datastore.dead_letters import DeadLetterQueue, Failure, SpoolingQueue
from oss_datastore.dead_letters.records import BODY_LIMIT
from oss_datastore.staging.store import LocalStore
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
REMEMBERED = "remembered-alert-webhook-secret"
JWT = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiIxMjM0NTYifQ.c2lnbmF0dXJlX29mX3RoZV90b2tlbg"
FORMS = [
    "{}",
    "Authorization: Bearer {}",
    '{{"config": {{"secret": "{}"}}}}',
    "https://user:{}@github.com/acme/web.git",
    "https://bucket.s3.amazonaws.com/key?X-Amz-Signature={}&X-Amz-Date=1",
    "client_secret={}&x=1",
]
OPAQUE = "0paqueHidden77"
KINDS: dict[str, tuple[str, list[str]]] = {
    # Secrets that are known by their form, wherever they stand.
    **{
        name: (secret, [form.format(secret) for form in FORMS])
        for name, secret in {
            **{prefix: TOKEN.replace("ghp_", prefix) for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")},
            "github_pat_": "github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
            "AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
            "App JWT": JWT,
            "remembered": REMEMBERED,
        }.items()
    },
    # Secrets that are known by where they stand.
    **{
        name: (OPAQUE, [form.format(OPAQUE) for form in forms])
        for name, forms in {
            "Authorization": ["Authorization: token {}", "[('authorization', 'Basic {}')]"],
            "Proxy-Authorization": ["Proxy-Authorization: Basic {}", 'Proxy-Authorization: Digest response="{}"'],
            "Cookie": ["Cookie: user_session={0}; a={0}", "Set-Cookie: a={}; Path=/", '{{"Cookie": "a={}"}}'],
            "webhook": ['{{"config": {{"secret": "{}"}}}}', "X-Hub-Signature-256: sha256={}", "webhook_secret={}"],
            "secret scanning": ['{{"secret_type": "slack_api_token", "secret": "{}", "state": "open"}}'],
            "signed address": [
                "https://b.s3.amazonaws.com/k?X-Amz-Signature={}&a=1",
                "https://b.s3.amazonaws.com/k?AWSAccessKeyId=a&Signature={}",
                "https://a.blob.core.windows.net/x?sv=1&sig={}",
                "https://raw.githubusercontent.com/a/b/main/f?token={}",
                "https://h/x?jwt={}",
                "https://h/go?to=https%3A%2F%2Fh%2Fx%3Fsig%3D{}",
            ],
            "private key": [
                "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN PRIVATE KEY-----\\n{}\\n-----END PRIVATE KEY-----",
                "-----BEGIN OPENSSH PRIVATE KEY-----\n{}",
            ],
            "AWS secret": ["aws_secret_access_key = {}", "AWS_SESSION_TOKEN={}", "<SessionToken>{}</SessionToken>"],
            "database password": ["postgresql+psycopg2://dlq:{}@h:5432/dlq", "host=h password={} user=dlq"],
        }.items()
    },
}


def all_columns(url: str) -> str:
    """Everything that lies in the queue's tables, as text; base64 bodies decoded too."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'dead_letter_queue'")
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"select to_jsonb(t)::text from dead_letter_queue.{table} t")
            texts += [row[0] for row in cursor.fetchall()]
        cursor.execute("select body from dead_letter_queue.letters where body_encoding = 'base64'")
        texts += [base64.b64decode(row[0]).decode("latin-1") for row in cursor.fetchall()]
    return "\n".join(texts)


def telling(text: str, secret: str, scope: str) -> list[Failure]:
    """Failures that carry the text in everything that is kept of one, as text and within binary data."""
    everywhere = failure(
        scope=scope,
        cause=f"cause {text}",
        error_class=f"class {text}",
        message=text,
        request={
            "url": text,
            "headers": {"Authorization": secret, "Cookie": secret, "X-Hub-Signature-256": secret},
            "params": {"sig": secret, "jwt": secret, "X-Amz-Signature": secret, "access_token": secret},
            "variables": {"a": [text]},
            text: 1,
        },
        headers={
            "Authorization": secret,
            "Proxy-Authorization": secret,
            "Set-Cookie": secret,
            "Location": text,
            "Link": text,
            "X-GitHub-SSO": text,
        },
        body=text.encode(),
        staged={"key": "k", "text": text},
    )
    return [everywhere, failure(scope=scope, cause="binary", body=b"\x00\xff\n" + text.encode() + b"\n\x00")]


@pytest.fixture(autouse=True)
def _remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_remembered", frozenset({REMEMBERED}))


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_reaches_any_column_the_spool_or_the_log(
    queue: DeadLetterQueue,
    queue_url: str,
    kind: str,
    clock: Clock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret, texts = KINDS[kind]
    caplog.set_level(logging.DEBUG)
    away = SpoolingQueue(
        lambda: DeadLetterQueue("postgresql://dlq@127.0.0.1:9/dlq", clock=clock), LocalStore(tmp_path), clock=clock
    )
    for number, text in enumerate(texts):
        assert secret in text
        scope = f"{SCOPE}/{number}"
        told = telling(text, secret, scope)
        letter = queue.put_many(told, who=f"run {text}")[0]
        queue.annotate(letter, text)
        queue.claim(ids=[letter], who=text)
        queue.reopen(letter, who=text, why=text)
        queue.resolve(letter, who=text, why=text)
        queue.discard(letter, who=text, why=text)
        queue.remember(f"alert {number}", text)
        away.put_many(told, who=f"run {text}")
        away.resolve_scopes([("traffic_views", scope, date(2026, 11, 1))], who=text, why=text)
    spooled = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert spooled.count(redaction.REDACTED.encode()) > len(texts)
    assert secret.encode() not in spooled
    kept = all_columns(queue_url)
    assert redaction.REDACTED in kept
    assert secret not in kept
    assert "letters wait in" in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_that_is_cut_within_a_secret_keeps_no_part_of_it(queue: DeadLetterQueue, kind: str) -> None:
    secret, texts = KINDS[kind]
    failures = []
    for number, text in enumerate(texts):
        at = text.index(secret)
        into = (len(secret) // 2, 1, len(secret) - 1)[number % 3]
        body = b"#" * (BODY_LIMIT - at - into - 1) + b"\n" + text.encode() + b"\n" + b"tail " * 20_000
        failures.append(failure(cause=f"cut {number}", body=body))
    for letter in queue.put_many(failures):
        body = queue.get(letter).body
        assert body is not None
        assert secret[:8] not in body[-400:]


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
