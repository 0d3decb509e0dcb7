"""A page on which JupyterLab stays loaded from one test to the next, as it does for a person who opens one notebook after the other.

To load it takes most of a test's time. Tests of what happens inside a notebook's cells take these fixtures; those of JupyterLab's own
parts, such as the panel, begin with a page of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Page

from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from tests.browser.conftest import VIEWPORT, has_failed, take_picture

__all__ = ["kept", "lab_page", "page"]


@dataclass(slots=True)
class Kept:
    """The page that the next test takes, if one is left."""

    page: Page | None = None


@pytest.fixture(scope="package")
def kept() -> Kept:
    """What the tests of this folder hand to each other."""
    return Kept()


@pytest.fixture
def page(chromium: BrowserContext, kept: Kept, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page of the test before, unless that one failed. A failed test leaves a picture of it."""
    page = kept.page or chromium.new_page()
    page.set_viewport_size(VIEWPORT)
    yield page
    kept.page = None
    if has_failed(request):
        take_picture(page, request)
    else:
        page.unroute_all(behavior="ignoreErrors")
        kept.page = page
    for opened in chromium.pages[1:]:
        if opened is not kept.page:
            opened.close()


@pytest.fixture
def lab_page(page: Page, lab: LabServer) -> Iterator[LabPage]:
    """JupyterLab in that page. What the test leaves open is closed, and kernels that it leaves running are shut down."""
    lab_page = LabPage(page, lab, stays_loaded=True)
    yield lab_page
    lab_page.close_all()
    lab.shut_down_kernels()
