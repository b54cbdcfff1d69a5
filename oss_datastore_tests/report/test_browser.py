"""The page in a real browser with every other host blocked: it draws, asks nobody, and can be read anywhere."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from oss_datastore.report import Audience, SqlMarts, build_report
from oss_datastore.report.dashboards import dashboard
from oss_datastore_tests.infomarts.marts import Marts
from oss_datastore_tests.report.organisation import organisation

pytestmark = pytest.mark.browser

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1120, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1120, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}
TALLEST = 1100
"""Pixels of a picture; what is below says nothing new and would weigh on every clone of the repository."""
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
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
DRAWN = "document.documentElement.dataset.drawn && document.documentElement.dataset.drawn !== 'no'"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on the path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


class Visit:
    """The page, opened from a disk, with whatever it complained of and asked for."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.tab = browser.new_context(**context).new_page()
        self.tab.on("console", lambda m: self.troubles.append(m.text) if m.type in ("error", "warning") else None)
        self.tab.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.tab.on("dialog", lambda dialog: self.troubles.append(f"dialog {dialog.message}"))
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.goto(path.as_uri())
        self.tab.wait_for_function(DRAWN, timeout=30_000)

    def drawn(self) -> str:
        theme: str = self.tab.evaluate("document.documentElement.dataset.drawn")
        return theme


@pytest.fixture
def path(page: Callable[[str], str], tmp_path: Path) -> Path:
    path = tmp_path / "report.html"
    path.write_text(page("security"))
    return path


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_it_draws_every_chart_and_asks_nobody(browser: Any, path: Path, scheme: str, width: int) -> None:
    visit = Visit(browser, path, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert visit.drawn() == scheme
    assert visit.troubles == []
    assert visit.requests == [path.as_uri()]
    charts = visit.tab.evaluate(
        "[...document.querySelectorAll('.chart')].map(c => c.querySelectorAll('svg path').length)"
    )
    assert len(charts) == len(dashboard().visuals)
    assert min(charts) > 0
    assert visit.tab.evaluate("document.documentElement.scrollWidth") == width


def test_the_readers_choice_of_theme_is_drawn_and_kept(browser: Any, path: Path) -> None:
    visit = Visit(browser, path, color_scheme="light")
    before = visit.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    visit.tab.click("#theme")
    visit.tab.wait_for_function("document.documentElement.dataset.drawn === 'dark'")
    assert visit.tab.evaluate("getComputedStyle(document.body).backgroundColor") != before
    visit.tab.reload()
    visit.tab.wait_for_function(DRAWN)
    assert visit.drawn() == "dark"


def test_days_are_utc_days_for_every_reader(browser: Any, path: Path) -> None:
    def labels(zone: str) -> list[str]:
        visit = Visit(browser, path, timezone_id=zone, viewport={"width": 1280, "height": 800})
        found: list[str] = visit.tab.evaluate(
            "[...document.querySelectorAll('#stars svg text')].map(t => t.textContent)"
        )
        return found

    assert labels("America/Los_Angeles") == labels("UTC") == labels("Pacific/Auckland")
    assert "22 Nov" in labels("UTC")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_that_readers_need(browser: Any, path: Path, scheme: str) -> None:
    """4.5 : 1 for text, 3 : 1 for marks against the card they stand on (WCAG 2.2, 1.4.3 and 1.4.11)."""
    visit = Visit(browser, path, color_scheme=scheme)
    names = ["paper", "card", "ink", "ink-2", "accent", "act", "act-paper", *(f"series-{n}" for n in range(1, 9))]
    read = "n => n.map(x => getComputedStyle(document.documentElement).getPropertyValue('--' + x).trim())"
    colour = dict(zip(names, visit.tab.evaluate(read, names), strict=True))
    for text in ("ink", "ink-2", "accent", "act"):
        for ground in ("paper", "card"):
            assert contrast(colour[text], colour[ground]) >= 4.5, (text, ground)
    assert contrast(colour["ink"], colour["act-paper"]) >= 4.5
    for n in range(1, 9):
        assert contrast(colour[f"series-{n}"], colour["card"]) >= 3, n


def contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(part, 16) / 255 for part in re.findall("..", colour.removeprefix("#"))]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_it_can_be_printed(browser: Any, path: Path) -> None:
    visit = Visit(browser, path, color_scheme="dark")
    visit.tab.emulate_media(media="print")
    assert visit.tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert visit.tab.evaluate("getComputedStyle(document.querySelector('.top')).display") == "none"
    assert len(visit.tab.pdf()) > 20_000


@pytest.fixture(scope="module")
def pictured(page: Callable[[str], str], mart_sql: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the pictures: without the names that try to be markup where somebody is to look at it."""
    path = tmp_path_factory.mktemp("pictured") / "report.html"
    text = page("security")
    if _is_wanted():
        marts = Marts(mart_sql, organisation(strangers=False))
        for name in mart_sql:
            marts.build(name)
        text = build_report(SqlMarts(marts.connection.cursor), audience=Audience.security, title="acme, this week")
    path.write_text(text)
    return path


def _is_wanted() -> bool:
    return os.environ.get("PICTURES") == "1"


@pytest.mark.parametrize("look", LOOKS)
def test_each_section_fits_its_screen_folded_and_unfolded(browser: Any, pictured: Path, look: str) -> None:
    """Where PICTURES=1, what is seen is kept in docs/pictures."""
    visit = Visit(browser, pictured, **LOOKS[look])
    width = LOOKS[look]["viewport"]["width"]
    sections = visit.tab.query_selector_all("main > section")
    names = [section.get_attribute("id") or "first" for section in sections]
    assert names == ["first", *(section.id for section in dashboard().sections)]
    if _is_wanted() and look == "light":
        visit.tab.screenshot(path=PICTURES / "report.png")
    # The bar that stays on top would lie across a picture.
    visit.tab.add_style_tag(content=".top { position: static !important; }")
    for name, section in zip(names, sections, strict=True):
        box = section.bounding_box()
        assert box["height"] > 100, name
        assert box["x"] >= 0, name
        assert box["x"] + box["width"] <= width, name
        if _is_wanted():
            margin = 12
            clip = {"x": max(0, box["x"] - margin), "y": box["y"], "width": min(width, box["width"] + 2 * margin)}
            clip |= {"height": min(TALLEST, box["height"])}
            visit.tab.screenshot(path=PICTURES / f"report-{name}-{look}.png", full_page=True, clip=clip)
    visit.tab.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert visit.tab.evaluate("document.documentElement.scrollWidth") == width
    wide = """[...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll, .drawing, .hidden')
      && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))"""
    assert visit.tab.evaluate(wide) == []
    assert visit.troubles == []
    assert visit.requests == [pictured.as_uri()]


def test_a_link_of_the_first_screen_unfolds_the_rows_it_leads_to(browser: Any, path: Path) -> None:
    visit = Visit(browser, path, viewport={"width": 1280, "height": 800})
    assert not visit.tab.evaluate("document.getElementById('single').open")
    visit.tab.click(".say a[href='#single']")
    visit.tab.wait_for_function("document.getElementById('single').open")
    assert abs(visit.tab.evaluate("document.getElementById('single').getBoundingClientRect().top")) < 800


def test_it_can_be_heard_and_reached_without_a_mouse(browser: Any, path: Path) -> None:
    """Language, one main heading and no level skipped, a name for each link, button, chart and table, no id twice."""
    visit = Visit(browser, path)
    found = visit.tab.evaluate(
        """() => {
        const all = (what) => [...document.querySelectorAll(what)];
        const named = (e) => (e.getAttribute('aria-label') || e.textContent).trim() !== '';
        return {
          language: document.documentElement.lang,
          levels: all('h1, h2, h3, h4').map(e => Number(e.tagName[1])),
          nameless: all('a, button, summary').filter(e => !named(e)).length,
          charts: all('.chart').filter(e => !e.getAttribute('role') || !e.getAttribute('aria-label')).length,
          untold: all('figure').filter(e => !e.querySelector('figcaption h3')).length,
          bare: all('.chart').filter(e => !e.closest('figure').querySelector('table')).length,
          tables: all('table').filter(e => !e.caption || !e.tHead.querySelector('th[scope=col]')).length,
          sections: all('section').filter(e => !document.getElementById(e.getAttribute('aria-labelledby'))).length,
          dead: all('a[href^="#"]').filter(e => !document.getElementById(e.hash.slice(1))).length,
          twice: all('[id]').length - new Set(all('[id]').map(e => e.id)).size,
        };}"""
    )
    levels = found.pop("levels")
    assert found.pop("language") == "en"
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {name: count for name, count in found.items() if count} == {}
