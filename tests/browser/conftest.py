"""A real browser: the chromium of this machine, without a window."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.servers.needed import is_missing

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# A loaded machine; what is waited for usually comes within a second.
BOUND_SECONDS = 60


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page of a person's size. It has run when the tests of the module end, and its event loop with it."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        is_missing("there is no chromium: run scripts/system-packages.sh")
    # As root, which continuous integration often is, chromium does not start with its sandbox; it sees our pages only.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        opened = browser.new_page(viewport={"width": 1400, "height": 1000})
        opened.set_default_timeout(BOUND_SECONDS * 1000)
        yield opened
        browser.close()


@pytest.fixture(autouse=True)
def _keep_a_picture(page: Page, request: pytest.FixtureRequest) -> Iterator[None]:
    """What the test saw last, for people: a file in the folder that SCREENSHOTS names."""
    yield
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{request.node.name}.png")
