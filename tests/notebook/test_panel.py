"""What the side panel of a page shows comes from the kernel by comm, keys go only there, and nothing that a panel asks decides anything."""

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pytest

from llm_notebook.notebook.frontend.bus import package_version
from tests.fakes.file_server import FileServer, Served
from tests.fakes.gguf_files import gguf_bytes
from tests.notebook.kernels import Kernel
from tests.notebook.versions import MIME_TYPE, click_of

_IDS = (f"q{number}" for number in itertools.count())
_KEY = "sk-panel-0123456789abcdef"


def _ask(kernel: Kernel, about: str, **more: Any) -> dict[str, Any]:
    """Ask as a page does, and return the answer."""
    question = next(_IDS)
    kernel.tell("llm_notebook", {"type": "panel", "ask": question, "about": about, **more})
    heard = kernel.hear(
        lambda message: message["msg_type"] == "comm_msg" and message["content"]["data"].get("answers") == question
    )
    answer: dict[str, Any] = heard["content"]["data"]
    assert answer["about"] == about
    return answer


def _run(kernel: Kernel, code: str, cell: str, path: str = "talks.ipynb") -> None:
    (ran,) = kernel.collect(kernel.send(code, cell, notebook=path))
    assert ran.status == "ok", ran.traceback


def test_what_waits_names_its_card_and_its_cell_and_is_the_same_in_every_kernel_version(live: Kernel) -> None:
    before = _ask(live, "waiting")["count"]
    (asked,) = live.collect(live.send("ask('/a\\u202eb')", "cell-7"))
    answer = _ask(live, "waiting")
    assert answer["count"] == before + 1
    row = answer["waiting"][-1]
    assert row["tool"] == "erase"
    assert "\u202e" not in row["arguments"]
    assert row["transcript"] == asked.outputs[-1][MIME_TYPE]["id"]
    # The page shows the whole card from the transcript, as it does in the cell.
    live.tell("llm_notebook", {"type": "resync", "id": row["transcript"]})
    told = live.hear(lambda message: message["content"].get("data", {}).get("type") == "state")["content"]["data"]
    assert told["document"]["id"] == row["transcript"]
    denied = live.run(f"%llm deny {click_of(asked)['request']}", "cell-8")
    assert denied.status == "ok", denied.traceback
    assert _ask(live, "waiting")["count"] == before


def test_conversations_are_listed_found_opened_and_written_as_markdown(kernel: Kernel) -> None:
    _run(kernel, "%llm -m echo --new Who are the *people* in the quince table?", "one")
    _run(kernel, "%llm -m echo -c Which of them wrote twice?", "two")
    _run(kernel, "%llm -m echo --new Names for a pelican", "three", "hello.ipynb")
    listed = _ask(kernel, "conversations")["conversations"]
    assert [row["title"] for row in listed[:2]] == [
        "Names for a pelican",
        "Who are the *people* in the quince table?",
    ]
    talk = listed[1]
    assert (talk["turns"], talk["notebook"], talk["model"]) == (2, "talks.ipynb", "echo")

    found = _ask(kernel, "conversations", query="quince")
    assert [row["id"] for row in found["conversations"]] == [talk["id"]]
    assert "quince" in found["conversations"][0]["found"]
    assert _ask(kernel, "conversations", query="quark zebra")["conversations"] == []

    opened = _ask(kernel, "conversation", id=talk["id"])
    assert [turn["prompt"] for turn in opened["turns"]] == [
        "Who are the *people* in the quince table?",
        "Which of them wrote twice?",
    ]
    kernel.tell("llm_notebook", {"type": "resync", "id": opened["turns"][0]["transcript"]})
    told = kernel.hear(lambda message: message["content"].get("data", {}).get("type") in ("state", "record"))
    assert told["content"]["data"]["document"]["id"] == opened["turns"][0]["transcript"]

    markdown = _ask(kernel, "export", id=talk["id"])["markdown"]
    assert markdown.startswith("# Who are the \\*people\\* in the quince table?\n")
    assert "Which of them wrote twice?" in markdown
    for nothing in ("", "nosuch", None, {"a": 1}, "x" * 100_000):
        for about in ("conversation", "export"):
            assert "not in the journal" in _ask(kernel, about, id=nothing)["problem"]
    # A conversation that was opened goes on in any notebook.
    _run(kernel, f"%llm -m echo --cid {talk['id']} And now?", "four", "hello.ipynb")
    assert _ask(kernel, "conversation", id=talk["id"])["conversation"]["turns"] == 3


def test_runs_and_usage_are_those_of_the_lists(kernel: Kernel) -> None:
    _run(kernel, "frame = [{'n': 1}, {'n': 2}]", "rows-0")
    _run(kernel, "%%llm -m echo --each frame\nSay {{ n }}", "rows-1")
    run = _ask(kernel, "runs")["runs"][0]
    assert (run["asked"], run["notebook"], run["state"]) == ("Say {{ n }}", "talks.ipynb", "done")
    assert (run["count"], run["answered"], run["failed"], run["share"]) == (2, 2, 0, 1.0)
    _run(kernel, "%llm -m echo Hi", "use")
    used = _ask(kernel, "usage")
    assert len(used["days"]) == 7
    assert used["days"][-1]["share"] == 1.0
    assert used["today"]["turns"] == sum(row["turns"] for row in used["models"]) > 0
    # The scripted model costs nothing; others of today may.
    assert [row["cost"] for row in used["models"] if row["model"] == "echo"] == [""]


def test_models_say_what_they_can_do_what_they_cost_and_whether_there_is_a_key(kernel: Kernel) -> None:
    models = _ask(kernel, "models")
    assert models["default"] == "echo"
    ready, *with_keys = models["groups"]
    assert ready["models"][0]["id"] == "echo"
    assert ready["models"][0]["isDefault"] is True
    openai = next(group for group in with_keys if group["key"] == "openai")
    assert openai["title"] == "OpenAI"
    assert {"tools", "schemas"} <= set(openai["models"][0]["abilities"])
    found = _ask(kernel, "models", query="gpt-5-mini")
    rows = [row for group in found["groups"] for row in group["models"]]
    assert rows
    assert all(row["input"] and row["output"] and row["key"] == "" for row in rows if row["id"] == "gpt-5-mini")


def test_a_key_goes_in_and_never_comes_back(kernel: Kernel) -> None:
    assert _ask(kernel, "keys")["keys"] == []
    stored = _ask(kernel, "store-key", name="work", key=f"  {_KEY}\n")
    assert stored["said"] == "The key work is stored."
    assert [(row["name"], row["from"]) for row in stored["keys"]] == [("work", "stored")]
    assert kernel.value("__import__('llm_notebook').get_key(alias='work') == " + repr(_KEY)) is True
    for name, key in (("", _KEY), ("work", ""), ("work", "  "), ("\u202e", _KEY), ("work", "\n".join([_KEY, _KEY]))):
        assert _ask(kernel, "store-key", name=name, key=key)["problem"]
    assert kernel.value("__import__('llm_notebook').get_key(alias='work') == " + repr(_KEY)) is True
    assert _ask(kernel, "remove-key", name="nosuch")["problem"]
    assert _ask(kernel, "remove-key", name="work")["keys"] == []
    heard = [message["content"] for message in kernel.heard if message["msg_type"] == "comm_msg"]
    assert _KEY not in json.dumps(heard)


def test_a_model_is_installed_beside_running_cells_stopped_and_removed(kernel: Kernel, file_server: FileServer) -> None:
    def told(condition: Any) -> dict[str, Any]:
        heard = kernel.hear(
            lambda message: (
                message["msg_type"] == "comm_msg"
                and message["content"]["data"].get("about") == "local"
                and condition(message["content"]["data"])
            )
        )
        data: dict[str, Any] = heard["content"]["data"]
        return data

    file_server.files["/quince.gguf"] = Served(gguf_bytes(padding=1000))
    assert _ask(kernel, "local")["models"] == []
    url = file_server.url("/quince.gguf")
    begun = _ask(kernel, "install", source=url)
    assert not begun.get("problem")
    done = told(lambda data: [model["name"] for model in data["models"]] == ["quince"] and not data["installing"])
    assert done["models"][0]["isWhole"] is True
    assert "quince" in [row["id"] for row in _ask(kernel, "models")["groups"][0]["models"]]
    assert "deleted" in _ask(kernel, "remove-model", name="quince")["said"]
    for source in ("nonsense", "", "hf:nothing"):
        assert _ask(kernel, "install", source=source)["problem"]

    missing = file_server.url("/nosuch.gguf")
    _ask(kernel, "install", source=missing)
    failed = told(lambda data: any(one["problem"] for one in data["installing"]))
    assert failed["installing"][0]["source"] == missing
    assert _ask(kernel, "cancel", source=missing)["installing"] == []


def test_an_installation_is_told_to_pages_after_the_magics_are_loaded_again(
    kernel: Kernel, file_server: FileServer
) -> None:
    goes_on = threading.Event()
    content = gguf_bytes(padding=1_000_000)
    file_server.files["/medlar.gguf"] = Served(content, waits_at=(len(content) // 2, goes_on))
    try:
        _ask(kernel, "install", source=file_server.url("/medlar.gguf"))
        assert kernel.run("%reload_ext llm_notebook").status == "ok"
        kernel.tell("llm_notebook", {"type": "hello", "by": "extension", "version": package_version()})
        assert len(_ask(kernel, "local")["installing"]) == 1
    finally:
        goes_on.set()
    told = kernel.hear(
        lambda message: (
            message["msg_type"] == "comm_msg"
            and message["content"]["data"].get("about") == "local"
            and not message["content"]["data"]["installing"]
        )
    )
    assert [model["isWhole"] for model in told["content"]["data"]["models"] if model["name"] == "medlar"] == [True]
    _ask(kernel, "remove-model", name="medlar")


def test_an_installation_is_cancelled_while_its_server_is_silent_and_goes_on_by_its_address(
    kernel: Kernel, file_server: FileServer
) -> None:
    goes_on = threading.Event()
    content = gguf_bytes(padding=4_000_000)
    file_server.files["/bullace.gguf"] = Served(content, waits_at=(len(content) * 53 // 100, goes_on))
    url = file_server.url("/bullace.gguf")
    try:
        _ask(kernel, "install", source=url)
        kernel.hear(
            lambda message: (
                message["msg_type"] == "comm_msg"
                and [one["percent"] for one in message["content"]["data"].get("installing", ())] == [50]
            )
        )
        cancelled = _ask(kernel, "cancel", source=url)
        assert cancelled["installing"] == []
        assert [(row["name"], row["from"], row["isWhole"]) for row in cancelled["models"]] == [("bullace", url, False)]
        file_server.files["/bullace.gguf"] = Served(content)
        assert [one["source"] for one in _ask(kernel, "install", source=url)["installing"]] == [url]
    finally:
        goes_on.set()
    told = kernel.hear(
        lambda message: (
            message["msg_type"] == "comm_msg"
            and message["content"]["data"].get("about") == "local"
            and not message["content"]["data"]["installing"]
            and any(row["isWhole"] for row in message["content"]["data"]["models"] if row["name"] == "bullace")
        )
    )
    assert told
    _ask(kernel, "remove-model", name="bullace")


@pytest.mark.parametrize("path", ["no such \u00a0 folder/a.gguf", f"/{'nosuch/' * 100}a.gguf", "/nosuch\0/a.gguf"])
def test_a_failed_installation_is_begun_again_and_taken_off_by_the_name_that_a_page_knows(
    kernel: Kernel, path: str
) -> None:
    def failed() -> list[dict[str, Any]]:
        while True:
            installing: list[dict[str, Any]] = _ask(kernel, "local")["installing"]
            if all(one["problem"] for one in installing):
                return installing

    _ask(kernel, "install", source=path)
    (before,) = failed()
    _ask(kernel, "install", source=before["source"])
    assert failed() == [before]
    assert _ask(kernel, "cancel", source=before["source"])["installing"] == []


@pytest.mark.parametrize(
    "more", [{"about": "conversations", "root": "~a\0b"}, {"about": "install", "source": "~a\0b/c.gguf"}]
)
def test_a_question_with_characters_that_no_path_has_is_answered_with_a_sentence(
    kernel: Kernel, more: dict[str, str]
) -> None:
    _run(kernel, "%llm -m echo Hi", "hi")
    assert "cannot be used" in _ask(kernel, **more)["problem"]


@pytest.mark.parametrize("shape", [{}, {"about": ["waiting"]}, {"about": "decide"}, {"about": "waiting", "ask": 7}])
def test_a_question_of_another_shape_is_not_answered(kernel: Kernel, shape: dict[str, Any]) -> None:
    kernel.tell("llm_notebook", {"type": "panel", "ask": "odd", **shape})
    before = len(kernel.heard)
    _ask(kernel, "waiting")
    said = [message["content"].get("data", {}) for message in kernel.heard[before:]]
    assert [one for one in said if one.get("type") == "panel" and one.get("answers") in ("odd", 7)] == []
