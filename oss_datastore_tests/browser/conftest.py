"""One demo home, one UI and one Chromium for all browser tests: each costs more than all of what is looked at."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from oss_datastore_tests.browser.dagster_ui import PATIENCE, PICTURES, DagsterUi, live_through

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
# Nothing of the browser's own may reach out either; without this its updater and its sync would try.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]

# What stands in a page as the folder of this run of the tests, as a reader would have it.
SHOWN_HOME = "/home/you/oss-datastore/.oss_datastore"
RENAME = """([from, to]) => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replaceAll(from, to);
}"""


class Picture(Protocol):
    """Keeps a picture of a page under a name, with the window as high as the page needs."""

    def __call__(self, page: Page, name: str, height: int = 1000) -> None: ...


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine (on Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="module")
def demo_days() -> list[date]:
    """The days that the UI offers, oldest first; the first is one that nobody has loaded. Filled by `ui`."""
    return []


@pytest.fixture(scope="module")
def ui(chromium: str, demo_days: list[date], tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterUi]:
    """The UI on a demo home."""
    folder = tmp_path_factory.mktemp("ui")
    demo_days += live_through(folder / "home", days=5 if PICTURES else 2, repos=12 if PICTURES else 3)
    with DagsterUi(folder / "home", folder / "ui.log") as running:
        yield running


@pytest.fixture(scope="module")
def addresses() -> set[str]:
    """Every host that a page asked something of."""
    return set()


@pytest.fixture(scope="module")
def complaints() -> list[str]:
    """What a page said of errors on its console."""
    return []


@pytest.fixture(scope="module")
def browser(chromium: str, addresses: set[str], complaints: list[str]) -> Iterator[BrowserContext]:
    """A browser of somebody who has never been here, in a fixed size and time zone."""

    def note(request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob"):
            addresses.add(parts.netloc)

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        context = program.new_context(viewport={"width": 1600, "height": 1000}, timezone_id="UTC", locale="en-GB")
        context.set_default_timeout(PATIENCE * 1000 / 2)
        context.on("request", note)
        context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        expect.set_options(timeout=PATIENCE * 1000 / 2)
        yield context
        program.close()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page of one's own."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture(scope="module")
def picture(ui: DagsterUi) -> Picture:
    """Keeps a picture for the documentation where PICTURES=1 asks for it; else does nothing."""

    def keep(page: Page, name: str, height: int = 1000) -> None:
        if PICTURES:
            page.set_viewport_size({"width": 1600, "height": height})
            # What is still drawn or loaded would be half in the picture.
            page.wait_for_load_state("networkidle")
            expect(page.locator(".bp4-spinner, .bp5-spinner, .bp4-skeleton, .bp5-skeleton")).to_have_count(0)
            expect(page.get_by_text(re.compile(r"^\s*Loading(…|[.]{3})"))).to_have_count(0)
            page.wait_for_timeout(3000)
            page.evaluate(RENAME, [str(ui.home), SHOWN_HOME])
            FOLDER.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=FOLDER / f"{name}.png")

    return keep
