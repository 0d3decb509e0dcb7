"""A real JupyterLab in a real Chromium: one server and one browser for the folder, a fresh page for each test."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import BrowserContext, Page, Playwright, ViewportSize, expect, sync_playwright

from scripts.chromium import ARGUMENTS, find_chromium
from scripts.jupyter_home import jupyter_environment
from scripts.lab_page import RESULTS, LabPage
from scripts.lab_server import LabServer
from tests.browser.asking import Asking
from tests.fakes.openai_server import OpenAIServer

VIEWPORT: ViewportSize = {"width": 1280, "height": 900}

_HERE = Path(__file__).parent
_PATIENCE_MS = 60_000
_STORED = "cookies,local_storage,indexeddb,service_workers"
_FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder as needing a browser and the installed weights."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.model)


@contextmanager
def running_lab(
    folder: Path, extensions: Path | None = None, *, program: Literal["jupyterlab", "notebook"] = "jupyterlab"
) -> Iterator[LabServer]:
    """Run JupyterLab, or Notebook 7, with this Python's kernel, without keys and with separate folders; it shares only the weights.

    Args:
        folder: where it keeps its files.
        extensions: the folder of its prebuilt extensions; those of this environment if not given.
        program: which of the two, as Python knows it.
    """
    environment = jupyter_environment(folder / "home")
    for name in list(environment):
        if name.endswith(("_API_KEY", "_BASE_URL")):
            del environment[name]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_HERE.parents[1]), environment.get("PYTHONPATH")]))
    # JupyterLab keeps cells outside the window out of the document, where a test would not find their outputs.
    tracker = Path(environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab/notebook-extension/tracker.jupyterlab-settings")
    tracker.parent.mkdir(parents=True)
    tracker.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
    root = folder / "notebooks"
    root.mkdir()
    with LabServer(root, environment, extensions, program) as server:
        yield server


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Iterator[LabServer]:
    """The JupyterLab of this folder's tests, with all extensions of this environment."""
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """The driver of browsers, ended after the tests of this folder, because it keeps an event loop running in this thread."""
    expect.set_options(timeout=_PATIENCE_MS / 2)
    with sync_playwright() as driver:
        yield driver


@contextmanager
def running_chromium(playwright: Playwright, profile: Path) -> Iterator[BrowserContext]:
    """Run the browser, with time for the first, slow load.

    Args:
        playwright: its driver.
        profile: the folder for its profile.
    """
    program = find_chromium()
    if program is None:
        pytest.fail(f"There is no Chromium for {sys.executable}: install one, or name it in the variable CHROMIUM.")
    context = playwright.chromium.launch_persistent_context(
        profile, executable_path=program, args=list(ARGUMENTS), viewport=VIEWPORT
    )
    context.set_default_timeout(_PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture(scope="package")
def chromium(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """The browser of this folder's tests. They share a profile, so that it compiles JupyterLab once and not for each page."""
    with running_chromium(playwright, tmp_path_factory.mktemp("profile")) as context:
        yield context


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the outcome of the test for `page`, which takes a picture of a failure."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


def has_failed(request: pytest.FixtureRequest) -> bool:
    """Return whether the test of this request has failed."""
    return request.node.stash.get(_FAILED, False)


def take_picture(page: Page, request: pytest.FixtureRequest) -> None:
    """Leave a picture of the page on which a test failed."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    page.screenshot(path=RESULTS / f"failed-{name}.png")


@pytest.fixture
def page(chromium: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that finds nothing of earlier tests in its profile, except for compiled scripts. A failed test leaves a picture of it."""
    [empty, *_] = chromium.pages
    page = chromium.new_page()
    yield page
    if has_failed(request):
        take_picture(page, request)
    address = urlsplit(page.url)
    for opened in chromium.pages[1:]:
        opened.close()
    chromium.clear_permissions()
    session = chromium.new_cdp_session(empty)
    origin = {"origin": f"{address.scheme}://{address.netloc}", "storageTypes": _STORED}
    session.send("Storage.clearDataForOrigin", origin)
    session.detach()


@pytest.fixture
def lab_page(page: Page, lab: LabServer) -> Iterator[LabPage]:
    """JupyterLab in that page. Kernels that the test leaves running are shut down."""
    yield LabPage(page, lab)
    lab.shut_down_kernels()


@pytest.fixture
def scripted(lab: LabServer, openai_server: OpenAIServer) -> Iterator[OpenAIServer]:
    """The server behind the model `scripted`, whose answers the test plays."""
    models = Path(lab.environment["LLM_USER_PATH"], "extra-openai-models.yaml")
    model = {
        "model_id": "scripted",
        "api_base": openai_server.base_url,
        "supports_tools": True,
        "supports_schema": True,
    }
    models.write_text(yaml.safe_dump([model]), encoding="utf-8")
    yield openai_server
    models.unlink()


@pytest.fixture
def asking(lab_page: LabPage, scripted: OpenAIServer, request: pytest.FixtureRequest) -> Asking:
    """A notebook, not yet open, with a tool that needs approval."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return Asking(lab_page, scripted, name.removeprefix("test-")[:60])
