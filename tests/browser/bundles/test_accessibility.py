"""Every state of a transcript is usable with a keyboard and a screen reader, as far as axe-core can tell."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from scripts.node import node_environment

FRONT_END = Path(__file__).parents[3] / "labextension"
ADDRESS = "http://transcripts.example/"
BUILD = [
    "npx",
    "esbuild",
    "demo=src/transcript/testing/demo.ts",
    "transcript=style/widget.css",
    "--bundle",
    "--format=esm",
    "--log-level=warning",
]
FIND = """async () => {
  const { violations } = await axe.run({ include: ['.llm-transcript'] });
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(node => [id, impact, node.html.slice(0, 200)]));
}"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with a transcript in every state."""
    folder = tmp_path_factory.mktemp("demo")
    environment = node_environment()
    if environment is None:
        pytest.fail("Building the page needs Node.")
    subprocess.run([*BUILD, f"--outdir={folder}"], cwd=FRONT_END, env=environment, check=True)
    shutil.copy(FRONT_END / "demo" / "index.html", folder)
    return folder


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(page: Page, built: Path, theme: str) -> None:
    def fulfill(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS).partition("?")[0]
        if (built / name).is_file():
            route.fulfill(path=built / name)
        else:
            route.fulfill(status=404)

    page.route(f"{ADDRESS}**", fulfill)
    page.goto(f"{ADDRESS}index.html?theme={theme}")
    page.wait_for_selector("#dead .llm-transcript")
    page.add_script_tag(path=FRONT_END / "node_modules" / "axe-core" / "axe.min.js")
    assert page.locator(".llm-ask").count() > 5
    assert page.locator(".llm-scroll table").count() > 0
    assert page.locator(".llm-error-row").count() > 0
    # What a click opens is looked at as well: the field for a key, and what went with a prompt.
    page.locator("#firstUse").get_by_role("button", name="Enter a key…").click()
    page.locator("#sent summary").first.click()
    assert page.get_by_label("Key, stored as openai").is_visible()
    assert page.locator("#sent table").count() > 0
    assert page.evaluate(FIND) == []
