"""A mistake is explained in the transcript, without a traceback, and mended there where a click can do it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, text_reply

KEY = "sk-typed-into-the-page"


@pytest.mark.parametrize(
    ("source", "title", "says"),
    [
        ("%%llm -m smolm2\nHello", "No model is called “smolm2”", ["smollm2", "sends this cell to it"]),
        (
            "%%llm -m gpt-4o-mini\nHello",
            "No key for OpenAI",
            ["Enter a key…", "Use the local model", "Nothing was sent."],
        ),
        ("%%llm --sytem x\nHello", "There is no option --sytem", ["--system"]),
        ("%%llm -m smollm2\nHello {{ nobody }}", "{{ nobody }} failed with NameError", ["Nothing was sent."]),
    ],
    ids=["unknown model", "no key", "wrong option", "unknown variable"],
)
def test_a_failed_cell_says_why(lab_page: LabPage, source: str, title: str, says: list[str]) -> None:
    lab_page.write("mistake.ipynb", ["%load_ext llm_notebook", source, "print('ran')"])
    lab_page.run_all()
    expect(lab_page.output(1).locator(".llm-notice-title")).to_have_text(title)
    shown = lab_page.output(1).inner_text()
    assert all(word in shown for word in says), shown
    assert "Traceback" not in shown
    # The cell has failed, so the one below was not run.
    expect(lab_page.output(2)).to_be_empty()


def test_the_first_use_offers_what_is_installed_and_a_click_asks_it(lab_page: LabPage) -> None:
    lab_page.write("first-use.ipynb", ["%load_ext llm_notebook", "%llm -o max_tokens 5 hi"])
    lab_page.run_all()
    output = lab_page.output(1)
    expect(output.locator(".llm-notice-title")).to_have_text("Which model should answer?")
    expect(output).to_contain_text("smollm2 is installed here, but no model is the default, so nothing was sent.")
    for theme in ("Dark", "Light"):
        lab_page.theme(theme)
        lab_page.screenshot(f"first-use-{theme.lower()}")
    expect(output.get_by_role("button", name="Use the local model")).to_be_visible()
    expect(output.get_by_role("button", name="Copy %llm default smollm2")).to_be_visible()


def test_a_misspelt_model_is_corrected_with_a_click(lab_page: LabPage, scripted: OpenAIServer) -> None:
    scripted.play(text_reply("Corrected."))
    lab_page.write("misspelt.ipynb", ["%load_ext llm_notebook", "%llm -m scripte hi"])
    lab_page.run_all()
    lab_page.output(1).get_by_role("button", name="scripted").click()
    expect(lab_page.output(1).locator(".llm-answer")).to_have_text("Corrected.")
    expect(lab_page.output(1).locator(".llm-notice-title")).to_have_count(0)


def test_a_key_is_typed_into_the_page_and_kept_out_of_the_notebook(lab_page: LabPage, scripted: OpenAIServer) -> None:
    models = Path(lab_page.lab.environment["LLM_USER_PATH"], "extra-openai-models.yaml")
    keyed = {"model_id": "keyed", "model_name": "keyed", "api_base": scripted.base_url, "api_key_name": "pages"}
    models.write_text(yaml.safe_dump([keyed]), encoding="utf-8")
    scripted.play(text_reply("With a key."))
    lab_page.write("no-key.ipynb", ["%load_ext llm_notebook", "%llm -m keyed hi"])
    lab_page.run_all()

    output = lab_page.output(1)
    output.get_by_role("button", name="Enter a key…").click()
    output.get_by_label("Key, stored as pages").fill(KEY)
    output.get_by_role("button", name="Store the key").click()
    output.get_by_role("button", name="Start over").click()
    expect(output.locator(".llm-answer")).to_have_text("With a key.")
    assert scripted.requests[-1].headers["authorization"] == f"Bearer {KEY}"
    lab_page.save()
    assert KEY not in lab_page.file.read_text(encoding="utf-8")
