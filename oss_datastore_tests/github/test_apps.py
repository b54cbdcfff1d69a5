"""A GitHub App speaks with a token of its own for each organisation, and nobody notices when one ends."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from oss_datastore.clock import Clock
from oss_datastore.connections import open_github
from oss_datastore.github import Answer, App, GitHub, NoToken, ServerFault, StaticTokens, Timer, Unauthorized
from oss_datastore.redaction import redact_text
from oss_datastore.settings import Settings, WrongSetting
from oss_datastore.simulator.server import Simulator
from oss_datastore_tests.github.conftest import Make
from oss_datastore_tests.github.scripted import Received, Scripted, Server, VirtualTime

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
APP_ID = "4711"


def pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey = KEY) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@dataclass
class Apps:
    """GitHub's side of an App: what it knows, and what it has handed out."""

    server: Server
    installed: dict[str, int] = field(default_factory=lambda: {"acme": 11, "globex": 22})
    slow: float = 0.0
    ahead: float = 0.0
    minting: Callable[[], Scripted | None] = lambda: None
    minted: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def __call__(self, received: Received) -> Scripted:
        token = received.headers["authorization"].removeprefix("Bearer ")
        if received.path.startswith("/app") or received.path.endswith("/installation"):
            return self.as_app(received, token)
        known = token.startswith("ghp_") or token in self.minted
        if not known or token in self.refused:
            return Scripted({"message": "Bad credentials"}, 401)
        left = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": str(self.now + 3000)}
        # Backwards, or the client would take it for an echo and hide it.
        return Scripted({"who": token[::-1]}, headers=left)

    @property
    def now(self) -> int:
        return int(time.time() + self.ahead)

    def as_app(self, received: Received, signature: str) -> Scripted:
        date = {"Date": format_datetime(datetime.fromtimestamp(self.now, UTC), usegmt=True)}
        claims = jwt.decode(
            signature,
            KEY.public_key(),
            ["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_iss": False},
        )
        if claims["iss"] != APP_ID or claims["iat"] > self.now or not self.now < claims["exp"] <= self.now + 600:
            return Scripted({"message": "A JSON web token could not be decoded"}, 401, date)
        if received.path == "/app":
            return Scripted({"slug": "keeper", "html_url": "https://github.com/apps/keeper"}, headers=date)
        if received.path.startswith("/app/installations?"):
            return Scripted([{"id": number, "suspended_at": None} for number in self.installed.values()], headers=date)
        if found := re.fullmatch(r"/orgs/(\w+)/installation", received.path):
            number = self.installed.get(found[1])
            return Scripted({"id": number}, headers=date) if number else Scripted({"message": "Not Found"}, 404, date)
        if (instead := self.minting()) is not None:
            return instead
        assert received.method == "POST"
        number = int(received.path.split("/")[3])
        self.minted.append(f"minted-{number}-{len(self.minted):016}")
        ends = datetime.fromtimestamp(self.now, UTC) + timedelta(hours=1)
        return Scripted(
            {"token": self.minted[-1], "expires_at": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}, 201, date, delay=self.slow
        )


@pytest.fixture
def apps(server: Server) -> Apps:
    server.rule = Apps(server)
    return server.rule


@pytest.fixture
def by_app(make: Make) -> Callable[..., GitHub]:
    def _by_app(default: str | None = None, **by_org: str) -> GitHub:
        return make(tokens=StaticTokens(default, by_org), app=App.of(APP_ID, pem()))

    return _by_app


def asked_with(github: GitHub, org: str | None) -> str:
    return who(github.get("/repos/x/y", org=org))


def who(answer: Answer) -> str:
    return str(answer.payload["who"])[::-1]


def test_each_organisation_is_asked_with_its_installations_token(
    apps: Apps, by_app: Callable[..., GitHub], server: Server
) -> None:
    github = by_app()
    used = [asked_with(github, org) for org in ("acme", "ACME", "globex", "acme")]
    assert used == [apps.minted[0], apps.minted[0], apps.minted[1], apps.minted[0]]
    assert [token.split("-")[1] for token in apps.minted] == ["11", "22"]
    assert server.paths.count("/app/installations/11/access_tokens") == 1
    assert {key for key, pool in github.budget if pool == "core"} == {"app-4711", "installation-11", "installation-22"}
    assert github.requests_spent == len(server.received)


def test_graphql_is_asked_with_the_installations_token(
    apps: Apps, by_app: Callable[..., GitHub], server: Server
) -> None:
    rule = apps
    server.rule = lambda r: Scripted({"data": {"a": 1}}) if r.path == "/graphql" else rule(r)
    assert by_app().query("q", {}, org="acme").token_key == "installation-11"
    assert server.received[-1].headers["authorization"] == f"Bearer {apps.minted[0]}"


def test_a_token_is_renewed_five_minutes_before_its_end_within_the_same_budget(
    apps: Apps, by_app: Callable[..., GitHub], passing: VirtualTime
) -> None:
    github = by_app()
    first = asked_with(github, "acme")
    passing.sleep(3290)
    assert asked_with(github, "acme") == first
    passing.sleep(20)
    second = asked_with(github, "acme")
    assert (second, len(apps.minted)) == (apps.minted[1], 2)
    assert github.budget["installation-11", "core"].requests == 3


def test_many_threads_at_once_have_one_token_made(apps: Apps, by_app: Callable[..., GitHub]) -> None:
    github = by_app()
    apps.slow = 0.05
    used: list[str] = []
    threads = [threading.Thread(target=lambda: used.append(asked_with(github, "acme"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert used == apps.minted * 8


def test_while_one_thread_renews_the_others_go_on_with_the_token_there_is(
    apps: Apps, by_app: Callable[..., GitHub], passing: VirtualTime
) -> None:
    github = by_app()
    first = asked_with(github, "acme")
    passing.sleep(3400)
    minting = threading.Event()
    apps.slow, apps.minting = 0.3, minting.set
    renewing = threading.Thread(target=lambda: asked_with(github, "acme"))
    renewing.start()
    assert minting.wait(5)
    assert asked_with(github, "acme") == first
    assert renewing.is_alive()
    renewing.join(5)
    assert asked_with(github, "acme") == apps.minted[1] != first


def test_a_renewal_that_fails_leaves_the_present_token_until_its_end(
    apps: Apps, by_app: Callable[..., GitHub], passing: VirtualTime
) -> None:
    github = by_app()
    first = asked_with(github, "acme")
    passing.sleep(3310)
    apps.minting = lambda: Scripted({"message": "Server Error"}, 502)
    assert asked_with(github, "acme") == first
    passing.sleep(300)
    with pytest.raises(ServerFault, match="POST /app/installations/11/access_tokens"):
        asked_with(github, "acme")


def test_a_token_refused_before_its_end_is_replaced_once(
    apps: Apps, by_app: Callable[..., GitHub], server: Server
) -> None:
    github = by_app()
    apps.refused.add(asked_with(github, "acme"))
    answer = github.get("/repos/x/y", org="acme")
    assert who(answer) == apps.minted[1]
    assert (answer.requests, answer.token_key) == (2, "installation-11")
    apps.refused.add(apps.minted[1])
    for _ in range(3):
        with pytest.raises(Unauthorized, match="check that the App is still installed"):
            asked_with(github, "acme")
    assert len(apps.minted) == 2


def test_the_organisations_own_token_goes_first_then_the_app_then_the_token_for_everything(
    apps: Apps, by_app: Callable[..., GitHub]
) -> None:
    github = by_app("ghp_everything", acme="ghp_of_acme")
    assert asked_with(github, "acme") == "ghp_of_acme"
    assert asked_with(github, "globex") == apps.minted[0]
    assert asked_with(github, "initech") == "ghp_everything"
    assert asked_with(github, None) == "ghp_everything"


def test_calls_outside_an_organisation_take_any_installation(apps: Apps, by_app: Callable[..., GitHub]) -> None:
    assert by_app().get("/meta").token_key == "installation-11"
    apps.installed.clear()
    with pytest.raises(Unauthorized, match="App 4711 is not installed anywhere"):
        by_app().get("/meta")


def test_an_organisation_without_the_app_is_told_where_to_install_it(
    apps: Apps, by_app: Callable[..., GitHub], server: Server
) -> None:
    github = by_app()
    for _ in range(3):
        with pytest.raises(Unauthorized) as caught:
            github.get("/orgs/initech", org="initech")
    assert str(caught.value) == (
        "GET /orgs/initech: GITHUB_APP_ID: App 4711 is not installed in organisation initech: install it at "
        "https://github.com/apps/keeper/installations/new, or set GITHUB_TOKENS or GITHUB_TOKEN"
    )
    assert server.paths == ["/orgs/initech/installation", "/app"]


def test_an_app_installed_later_is_found(apps: Apps, by_app: Callable[..., GitHub], passing: VirtualTime) -> None:
    github = by_app("ghp_everything")
    assert asked_with(github, "initech") == "ghp_everything"
    apps.installed["initech"] = 33
    passing.sleep(700)
    assert asked_with(github, "initech") == apps.minted[0]


def test_a_suspended_app_is_said_to_be(apps: Apps, by_app: Callable[..., GitHub]) -> None:
    apps.minting = lambda: Scripted({"message": "This installation has been suspended"}, 403)
    with pytest.raises(Unauthorized, match=r"no token for acme \(403 This installation has been suspended\): an owner"):
        asked_with(by_app(), "acme")


def test_a_key_of_another_app_is_named_by_its_setting(apps: Apps, make: Make) -> None:
    github = make(tokens=StaticTokens("ghp_everything"), app=App.of("99", pem()))
    with pytest.raises(Unauthorized, match=r"GITHUB_APP_PRIVATE_KEY: GitHub refused the signature of App 99 \(401"):
        asked_with(github, "acme")


@pytest.mark.parametrize("minutes", [-30, 30])
def test_a_clock_of_ours_that_is_wrong_is_corrected_by_githubs(
    apps: Apps, by_app: Callable[..., GitHub], passing: VirtualTime, minutes: int
) -> None:
    apps.ahead = minutes * 60.0
    github = by_app()
    first = asked_with(github, "acme")
    passing.sleep(3000)
    assert asked_with(github, "acme") == first
    passing.sleep(400)
    assert asked_with(github, "acme") == apps.minted[1]


def test_no_secret_of_an_app_is_shown(
    apps: Apps, by_app: Callable[..., GitHub], server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    github = by_app()
    apps.refused.add(asked_with(github, "acme"))
    asked_with(github, "acme")
    signature = server.received[0].headers["authorization"].removeprefix("Bearer ")
    lines = pem().splitlines()[1:-1]
    for secret in (*apps.minted, signature, *lines):
        assert secret not in caplog.text
        assert secret not in f"{App.of(APP_ID, pem())!r} {github.budget!r}"
    told = f"minted {apps.minted[0]} and signed {signature} with {pem()}"
    assert redact_text(told) == "minted [redacted] and signed [redacted] with [redacted]\n"


def test_line_breaks_of_a_key_may_be_written_out() -> None:
    assert App.of(f" {APP_ID} ", pem().replace("\n", "\\n")).key.private_numbers() == KEY.private_numbers()


@pytest.mark.parametrize(
    "text",
    ["", "canary", pem(ed25519.Ed25519PrivateKey.generate()), pem()[:400]],
    ids=["empty", "word", "another kind", "cut"],
)
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(NoToken, match="GITHUB_APP_PRIVATE_KEY: holds no RSA private key") as caught:
        App.of(APP_ID, text)
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


@pytest.fixture
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_TOKEN", "GITHUB_TOKENS", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_nothing_set")
def test_an_app_alone_is_enough(apps: Apps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_API_URL", apps.server.url)
    monkeypatch.setenv("GITHUB_APP_ID", APP_ID)
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", pem().replace("\n", "\\n"))
    # A calendar that is held says nothing about the lifetime of a token.
    monkeypatch.setenv("OSS_DATASTORE_NOW", "2026-03-10T12:00:00Z")
    with open_github(Settings.load()) as github:
        assert asked_with(github, "acme") == apps.minted[0]
        assert asked_with(github, "acme") == apps.minted[0]


@pytest.mark.parametrize("held", [None, datetime(2026, 3, 10, 12, tzinfo=UTC)], ids=["real time", "held calendar"])
def test_a_github_that_checks_the_signature_gives_each_organisation_a_token(make: Make, held: datetime | None) -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    with Simulator(orgs=("acme", "globex"), repos=1, now=held, app_public_key=public, app_id=int(APP_ID)) as simulator:
        github = make(
            tokens=StaticTokens(None),
            app=App.of(APP_ID, pem()),
            api_url=simulator.url,
            clock=Clock(held),
            timer=Timer(),
        )
        keys = [github.get(f"/orgs/{org}", org=org).token_key for org in ("acme", "globex", "acme")]
        assert keys[0] == keys[2] != keys[1]
        assert all(key.startswith("installation-") for key in keys)
        limits = github.limits("acme")
        assert limits is not None
        assert limits["core"].remaining == github.budget[keys[0], "core"].remaining
        with pytest.raises(Unauthorized, match="App 4711 is not installed in organisation initech"):
            github.get("/orgs/initech", org="initech")


@pytest.mark.usefixtures("_nothing_set")
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "GITHUB_TOKEN: is not set"),
        ({"GITHUB_APP_ID": APP_ID, "GITHUB_TOKEN": "ghp_x"}, "GITHUB_APP_PRIVATE_KEY: is needed with GITHUB_APP_ID"),
        ({"GITHUB_APP_PRIVATE_KEY": pem()}, "GITHUB_APP_ID: is needed with GITHUB_APP_PRIVATE_KEY"),
        ({"GITHUB_APP_ID": APP_ID, "GITHUB_APP_PRIVATE_KEY": "x"}, "GITHUB_APP_PRIVATE_KEY: holds no RSA private key"),
    ],
    ids=["nothing", "no key", "no id", "bad key"],
)
def test_half_an_app_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], told: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=f"^{told}"):
        open_github(Settings.load())
