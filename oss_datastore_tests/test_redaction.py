"""Every kind of secret we know, in every place it turned up in; and what must stay readable beside it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_datastore import redaction
from oss_datastore.redaction import REDACTED, allowed_headers, redact, remember_secret

CLASSIC = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
FINE = "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_" + "mNoPqRsTuVwXyZ0123456789" * 2
INSTALLATION = "ghs_" + "1234567_eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIxMjM0In0.sig-Na_ture0123456789"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JWT = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiIxMjM0NTYifQ.c2lnbmF0dXJlX29mX3RoZV90b2tlbg"
PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA04up8hoqzS1\nabc+/==\n-----END RSA PRIVATE KEY-----"
HOOK = "it-is-a-webhook-s3cret"


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_remembered", frozenset())


# Text in which the secret lies, the secret, and what must still be readable.
CASES = [
    (f"token {CLASSIC} was refused", CLASSIC, "was refused"),
    (f"gho={CLASSIC.replace('ghp_', 'gho_')}!", CLASSIC[4:], "!"),
    (CLASSIC.replace("ghp_", "ghu_"), CLASSIC[4:], ""),
    (CLASSIC.replace("ghp_", "ghr_"), CLASSIC[4:], ""),
    (f"got '{INSTALLATION}' there", INSTALLATION[10:30], "there"),
    (INSTALLATION, "sig-Na_ture0123456789", ""),
    (f"x{FINE}x", FINE[11:], "x"),
    ("old v1." + "1f" * 20 + " end", "1f1f1f", "end"),
    (f"key {AWS_KEY} end", AWS_KEY, "end"),
    (AWS_KEY.replace("AKIA", "ASIA"), "IOSFODNN7", ""),
    (f"aws_secret_access_key = {AWS_SECRET}\nregion = eu", AWS_SECRET, "region = eu"),
    (f"AWS_SESSION_TOKEN={AWS_SECRET} next", AWS_SECRET, "next"),
    (f"jwt {JWT} end", JWT[20:60], "end"),
    (f"a {PRIVATE_KEY} b", "MIIEpAIBAAKCAQEA04up8hoqzS1", " b"),
    (PRIVATE_KEY[:60], "MIIEpA", ""),
    (json.dumps({"key": PRIVATE_KEY, "after": "kept"}), "MIIEpAIBAAKCAQEA04up8hoqzS1", "kept"),
    ("Authorization: Bearer abc.def-123", "abc.def-123", "Authorization"),
    ("authorization: token 0123456789abcdef\r\nAccept: x", "0123456789abcdef", "Accept: x"),
    ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", ""),
    ("Proxy-Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", ""),
    ("{'Authorization': 'bearer opaque-value', 'Accept': 'kept'}", "opaque-value", "kept"),
    ('{"authorization": "opaque"}', "opaque", "authorization"),
    ("Set-Cookie: user_session=abcdef; Path=/\nX: kept", "abcdef", "kept"),
    ("curl -H 'bearer abcdefghij0123456789klm'", "abcdefghij0123456789klm", "curl"),
    ("https://user:pa55word@host/path", "pa55word", "host/path"),
    ("postgresql://dlq:p@ss/w0rd@db:5432/dlq", "w0rd", "db:5432/dlq"),
    ("https://x-access-token:opaque@github.com/acme/web.git", "opaque", "github.com/acme/web.git"),
    ("https://opaquetoken@github.com/acme", "opaquetoken", "github.com/acme"),
    ("see postgresql://dlq:hunter22", "hunter22", "see postgresql://"),
    ("host=db password=hunter22 user=dlq", "hunter22", "user=dlq"),
    ("host=db password='two words' user=dlq", "two words", "user=dlq"),
    ("https://b.s3.amazonaws.com/k?X-Amz-Algorithm=A&X-Amz-Credential=opaque%2Fx", "opaque", "/k?X-Amz"),
    ("https://b.s3.amazonaws.com/k?X-Amz-Signature=0f0f0f&X-Amz-Date=2026", "0f0f0f", "X-Amz-Date=2026"),
    ("https://b/k?X-Amz-Security-Token=opaque", "opaque", "https://b/k"),
    ("https://b/k?AWSAccessKeyId=opaque&Signature=hidden&Expires=1", "hidden", "Expires=1"),
    ("https://b/k?AWSAccessKeyId=opaque&Signature=hidden&Expires=1", "opaque", "Expires=1"),
    ("https://acc.blob.core.windows.net/x?sp=r&sig=hidden%3D&sv=2020", "hidden", "sv=2020"),
    ("https://storage.googleapis.com/x?X-Goog-Signature=hidden", "hidden", "googleapis"),
    ("https://raw.githubusercontent.com/a/b/main/f?token=AAAHIDDEN&x=1", "AAAHIDDEN", "x=1"),
    ("https://h/x?a=1&amp;access_token=hidden&amp;b=2", "hidden", "b=2"),
    ('{"url": "https://h/x?a=1\\u0026token=hidden\\u0026b=2"}', "hidden", "b=2"),
    ("required; url=https://github.com/orgs/o/sso?authorization_request=hidden", "hidden", "orgs/o/sso"),
    ("client_id=1&client_secret=hidden&grant=x", "hidden", "grant=x"),
    (json.dumps({"config": {"url": "https://h", "secret": HOOK}}), HOOK, "https://h"),
    (json.dumps({"secret": 'quo"ted\\ s3cret', "kept": 1}), "s3cret", '"kept": 1'),
    (json.dumps({"log": json.dumps({"webhook_secret": HOOK, "kept": 1})}), HOOK, "kept"),
    (json.dumps({"secret": HOOK * 30})[:100], HOOK, "secret"),
    (json.dumps({"temp_clone_token": "AAAHIDDEN", "name": "web"}), "AAAHIDDEN", '"name": "web"'),
    (json.dumps({"clientSecret": "hidden", "refreshToken": "hidden"}), "hidden", "refreshToken"),
    ("<input name=x>?password=hidden</input>", "hidden", "</input>"),
    ("https://hooks.slack.com/services/T000/B000/hiddenhidden", "hiddenhidden", "hooks.slack.com"),
    ("https://discord.com/api/webhooks/123/hidden", "hidden", "discord.com"),
    ("https://x.webhook.office.com/webhookb2/hidden", "hidden", "office.com"),
    ("xoxb-" + "123456789012-hidden", "hidden", ""),
    ("Cookie: user_session=hidden; other=hidden2\r\nHost: kept", "hidden", "Host: kept"),
    ("[('Cookie', 'user_session=hidden'), ('Host', 'kept')]", "hidden", "('Host', 'kept')"),
    ("[(b'Authorization', b'token hidden'), (b'Host', b'kept')]", "hidden", "(b'Host', b'kept')"),
    ('Authorization: Digest username="a", response="hidden"\r\nHost: kept', "hidden", "Host: kept"),
    ("Proxy-Authorization: Digest username=a, response=hidden", "hidden", "Proxy-Authorization"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=hidden\nkept", "hidden", "kept"),
    ("X-Hub-Signature-256: sha256=0f0f\nX-GitHub-Event: kept", "0f0f", "kept"),
    ('{"X-Hub-Signature-256": "sha256=0f0f", "a": "kept"}', "0f0f", "kept"),
    ("> X-Api-Key: hidden\r\n> Host: kept", "hidden", "Host: kept"),
    ("webhook_secret: hidden\nurl: kept", "hidden", "url: kept"),
    ("refused with the password: hunter22, try again", "hunter22", "try again"),
    ("client_secret: 'hidden7value'", "hidden7value", "client_secret"),
    ("git --token hidden0 clone kept", "hidden0", "clone kept"),
    ("<Error><Token>hidden</Token><Code>ExpiredToken</Code></Error>", "hidden", "ExpiredToken"),
    ("<SecretAccessKey>hidden</SecretAccessKey>kept", "hidden", "kept"),
    ('{"secret": {"value": "hidden"}, "a": "kept"}', "hidden", "kept"),
    ('{"webhook_secret": ["hidden", "hidden2"], "a": "kept"}', "hidden", "kept"),
    ("https://h/go?to=https%3A%2F%2Fb%2Fk%3FX-Amz-Signature%3Dhidden%26X-Amz-Date%3D1", "hidden", "X-Amz-Date%3D1"),
    ("https://h/go?to=https%253A%252F%252Fb%253Fsig%253Dhidden%2526sv%253D1", "hidden", "sv%253D1"),
    ("https://pipelines.actions.githubusercontent.com/x?jwt=hidden&a=kept", "hidden", "kept"),
    (f"https://h/go?to=https%3A%2F%2Fh%3Fx%3D{JWT}", JWT[20:60], "https://h/go"),
    (f"id{AWS_KEY}z end", AWS_KEY, "end"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk", "b3BlbnNzaC1rZXk", ""),
    ("redshift+psycopg2://loader:hidden@h:5439/db", "hidden", "h:5439/db"),
]


@pytest.mark.parametrize(("text", "secret", "kept"), CASES)
def test_a_secret_in_text_is_replaced_and_its_surroundings_stay(text: str, secret: str, kept: str) -> None:
    assert secret in text or secret.replace("\n", "\\n") in text
    clean = redact(text)
    assert secret not in clean
    assert REDACTED in clean
    assert kept in clean
    assert redact(text.encode()).decode() == clean


@pytest.mark.parametrize(("text", "secret", "kept"), CASES)
def test_a_secret_within_binary_data_is_replaced(text: str, secret: str, kept: str) -> None:
    before, after = b"\x00\xff\xfe\x89PNG\r\n", b"\n\xc3\x28\x00end"
    clean = redact(before + text.encode() + b"\x00")
    assert secret.encode() not in clean
    assert clean.startswith(before)
    assert redact(before + after) == before + after


@pytest.mark.parametrize(("text", "secret", "kept"), CASES)
def test_redacting_twice_is_redacting_once(text: str, secret: str, kept: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("secret", [CLASSIC, FINE, AWS_KEY, JWT])
def test_a_secret_is_found_wherever_it_lies_in_a_structure(secret: str) -> None:
    value = {
        "a": [{"b": f"x {secret}"}, (secret,)],
        secret: 1,
        "url": f"https://h/?q={secret}",
        "n": b"" + secret.encode(),
    }
    clean = redact(value)
    assert secret not in repr(clean)
    assert clean["a"][0]["b"] == f"x {REDACTED}"


def test_whatever_stands_under_a_secret_name_goes() -> None:
    request = {
        "headers": {"Authorization": "opaque", "Accept": "json"},
        "secret": {"value": "opaque", "tries": 3, "old": ["opaque", None]},
        "password": "",
        "token": None,
        "private_key": b"opaque",
    }
    assert redact(request) == {
        "headers": {"Authorization": REDACTED, "Accept": "json"},
        "secret": {"value": REDACTED, "tries": 3, "old": [REDACTED, None]},
        "password": "",
        "token": None,
        "private_key": REDACTED.encode(),
    }


INNOCENT = [
    "GET https://api.github.com/repos/acme/web/issues?state=open&since=2026-01-01T00:00:00Z&page=2 -> 502",
    "http://127.0.0.1:8080/users/@me",
    "git@github.com:acme/web.git",
    "no answer from http://127.0.0.1:8080",
    "no answer from http://[::1]:8080/x",
    'query($token: String!, $after: String) { x(after: "Y3Vyc29yOnYyOpK5") { id } }',
    json.dumps({"secret_scanning": {"status": "enabled"}, "secret_type": "github_token", "token_type": "x"}),
    json.dumps({"sha": "1f" * 20, "node_id": "MDEwOlJlcG9zaXRvcnkx", "full_name": "acme/token-server"}),
    json.dumps({"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}),
    json.dumps({"verification": {"signature": "-----BEGIN PGP SIGNATURE-----\nabc", "verified": True}}),
    "mail someone@example.org about the token bucket",
    '<https://api.github.com/repositories/1/issues?page=2>; rel="next"',
    "query A(\n  $token: String!\n) { x }",
    "the token: it was refused",
    json.dumps({"secrets": [{"name": "DEPLOY", "created_at": "2026-01-01"}]}),
    "<tokens>5000</tokens> of --token",
    "The secret of good tests: names. Basic authentication is gone, bearer tokens stay.",
    "",
]


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays_as_it_was(text: str) -> None:
    assert redact(text) == text


def test_a_remembered_secret_without_form_is_replaced_everywhere() -> None:
    remember_secret("correct horse/battery")
    remember_secret("correct horse/battery staple")
    text = "a correct horse/battery staple b https://h/correct%20horse%2Fbattery/x"
    assert redact(text) == f"a {REDACTED} b https://h/{REDACTED}/x"
    remember_secret("pässwört")
    assert redact("ä pässwört".encode()) == f"ä {REDACTED}".encode()


def test_a_remembered_secret_that_begins_with_another_goes_whole() -> None:
    for length in range(6, 30):
        remember_secret("correct horse/battery staple!!"[:length])
    assert redact(b"a correct horse/battery staple!! b") == f"a {REDACTED}! b".encode()


def test_a_remembered_word_that_is_too_short_is_left_alone() -> None:
    remember_secret("")
    remember_secret("abc")
    assert redact("abcabc") == "abcabc"


def test_headers_are_kept_by_list_and_cleaned() -> None:
    headers = {
        "Content-Type": "application/json",
        "X-RateLimit-Remaining": "0",
        "Set-Cookie": "session=abc",
        "Authorization": "Bearer abc",
        "X-Secret-Of-Proxy": "abc",
        "Location": "https://codeload.github.com/x?token=AAAHIDDEN",
        "X-GitHub-SSO": "required; url=https://github.com/orgs/o/sso?authorization_request=hidden",
    }
    assert allowed_headers(headers) == {
        "content-type": "application/json",
        "location": f"https://codeload.github.com/x?token={REDACTED}",
        "x-github-sso": f"required; url=https://github.com/orgs/o/sso?authorization_request={REDACTED}",
        "x-ratelimit-remaining": "0",
    }


pieces = st.sampled_from([case[0] for case in CASES] + ["\n", " ", '"', "'", "\\", "://", "@", "=", "é"])
texts = st.lists(pieces | st.text(max_size=20), max_size=6).map("".join)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_the_quick_look_misses_nothing(text: str) -> None:
    if redaction._HINT.search(text) is None:
        for pattern, _ in redaction._PATTERNS:
            assert pattern.search(text) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(texts)
def test_no_known_token_survives_in_any_mixture(text: str) -> None:
    clean = redact(text)
    for secret in (CLASSIC, FINE, AWS_KEY):
        assert secret not in clean


@settings(max_examples=100, deadline=None)
@given(values)
def test_any_value_keeps_its_shape(value: Any) -> None:
    clean = redact(value)
    assert isinstance(clean, type(value))
    if isinstance(value, list):
        assert len(clean) == len(value)


HOSTILE = ["a-", "token-", "://", "://a:", "eyJ-", "eyJaaaaaaaa.", '"', '"secret', "\\", '\\"', "'", "gh", "="]
HOSTILE += [
    "x" * 9,
    "Basic ",
    "-----BEGIN PRIVATE KEY-----",
    "?code=",
    "token: ",
    "\ntoken: ",
    "<token>",
    "%3Fsig%3D",
    "('token', '",
    '"secret":[',
    "--token 1",
    '{"a": "',
    '"token":"\\"',
    "://a:b@",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_does_not_hold_up_the_writer(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.monotonic()
    redact(text)
    assert time.monotonic() - began < 3.0
