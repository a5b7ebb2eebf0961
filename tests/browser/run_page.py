"""What a person sees of a run in Prefect's pages."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import Locator, Page, expect

# Without a graphics card a picture takes most of a second.
BOUND_SECONDS = 60
FIND_BARS = Path(__file__).with_name("bars.js").read_text()


class Bar(TypedDict):
    """The middle of a bar, in pixels of the graph."""

    x: float
    y: float


def open_bars(page: Page, count: int) -> dict[str, str]:
    """The bars of the graph by the names that they show when they are clicked, with the states; top to bottom.

    count: how many there must be, which is waited for: they are drawn one by one.
    """
    graph = page.locator("canvas")
    expect(graph).to_be_visible()
    found = dict(_open_bar(page, graph, bar) for bar in _drawn_bars(page, graph, count))
    assert count == len(found), found
    return found


def open_artifact(page: Page, key: str) -> Locator:
    """Follow the links of the Artifacts tab to the newest artifact of a key, and return its content."""
    page.get_by_role("tab", name="Artifacts").click()
    page.get_by_role("link").filter(has=page.get_by_text(key, exact=True)).click()
    page.locator("a[href*='/artifacts/artifact/']").first.click()
    content = page.get_by_role("tabpanel")
    expect(content.locator("table")).to_be_visible()
    return content


def rows(table: Locator) -> list[list[str]]:
    """The cells of a table without its head, as soon as it has any."""
    table.locator("tbody tr td").first.wait_for()
    return [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]


def _drawn_bars(page: Page, graph: Locator, count: int) -> list[Bar]:
    found: list[Bar] = []
    end = time.monotonic() + BOUND_SECONDS
    while time.monotonic() < end:
        before = found
        picture = base64.b64encode(graph.screenshot()).decode()
        found = page.evaluate(FIND_BARS, picture)
        # The graph moves until all is drawn.
        if len(found) == count and found == before:
            break
        page.wait_for_timeout(100)
    return found


def _open_bar(page: Page, graph: Locator, bar: Bar) -> tuple[str, str]:
    box = graph.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + bar["x"], box["y"] + bar["y"])
    close = page.get_by_label("Close panel")
    panel = page.locator("div").filter(has=close).last.locator("..")
    name = panel.get_by_role("heading").inner_text()
    state = panel.locator("dl").filter(has_text="State").locator("dd").first.inner_text()
    close.click()
    expect(close).to_be_hidden()
    return name, state.strip()
