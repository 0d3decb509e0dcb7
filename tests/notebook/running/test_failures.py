"""What a cell shows of its failure where a page listens: what happened, and buttons that mend it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llm_notebook import assistant, get_model
from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError, TransportError
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.running.problems import problem_of
from llm_notebook.transcript.endings import GO_ON
from tests.notebook.kernels import Cell, Kernel
from tests.notebook.versions import MIME_TYPE, is_idle

KEY = "sk-typed-into-the-page"
FRESH = """
import os, pathlib, tempfile
fresh = pathlib.Path(tempfile.mkdtemp())
before = os.environ["LLM_USER_PATH"]
os.environ["LLM_USER_PATH"] = str(fresh)
"""
# The real file has 93 MB; this takes its place.
FETCHES_ECHO = """
from llm_notebook.notebook.running import failures
from tests.notebook.scripted import install_echo
fetch = failures.local
failures.local = lambda shell, words: install_echo(fresh)
"""


def _shown(cell: Cell) -> dict[str, Any]:
    (output,) = cell.outputs
    document: dict[str, Any] = output[MIME_TYPE]
    return document


def _act(kernel: Kernel, action: dict[str, Any]) -> Cell:
    return kernel.run(f"get_ipython().run_line_magic('llm', {('act ' + json.dumps(action))!r})", "cell-1")


def _tell(kernel: Kernel, message: dict[str, Any]) -> dict[str, Any]:
    """Send a message by comm, and return the document that the kernel tells in return."""
    request = kernel.tell("llm_notebook", message)
    kernel.hear(lambda heard: is_idle(heard, request))
    told: dict[str, Any] = kernel.comm_messages("llm_notebook")[-1]["content"]["data"]
    return told


@pytest.mark.parametrize(
    ("error", "kind", "title"),
    [
        (ProviderError("m: slow down", status=429), "limit", "Too many requests (429)"),
        (ProviderError("m: down", status=503), "error", "The server failed (503)"),
        (ProviderError("m: no", status=401), "error", "The server refused the key (401)"),
        (ProviderError("m: what?", status=418), "error", "The server refused this (418)"),
        (ProviderError("The server broke off. It said why."), "error", "The server broke off"),
        (TransportError("m: no route"), "network", "The server cannot be reached"),
        (IncompleteResponse("It closed.", partial=[assistant("So")]), "error", "The answer broke off"),
        (IncompleteResponse("The server answered with nothing."), "error", "No answer came"),
        (ModelError("The quota is used up: wait until tomorrow."), "error", "The quota is used up"),
        (CellError("There is no option --x. Did you mean --y?"), "error", "There is no option --x"),
        (CellError("file v1.2 is odd"), "error", "file v1.2 is odd"),
    ],
)
def test_every_expected_error_has_a_title(error: Exception, kind: str, title: str) -> None:
    problem = problem_of(error)
    assert (problem.kind, problem.title) == (kind, title)


def test_a_long_sentence_is_no_title() -> None:
    problem = problem_of(CellError("This is " + "very " * 40 + "long."))
    assert len(problem.title) < 60
    assert problem.text.endswith("long.")


def test_the_first_use_offers_to_install_a_model_and_then_to_ask_it(live: Kernel) -> None:
    live.run(FRESH)
    live.run(FETCHES_ECHO)
    try:
        before = live.value("len(sent)")
        document = _shown(live.run("%llm hi", "cell-1"))
        error = document["error"]
        assert error["title"] == "Which model should answer?"
        assert error["text"] == "None is chosen yet, so nothing was sent. One of these is enough:"
        assert [way["code"] for way in error["ways"]] == [
            "%llm local install",
            "%llm keys set openai",
            "%llm -m ollama/MODEL …",
        ]
        assert error["ways"][0]["installs"] is True

        installed = _shown(_act(live, {"type": "install", "transcript": document["id"]}))
        (local, *_) = installed["error"]["ways"]
        assert (local["model"], local["code"]) == ("echo", "%llm -m echo …")
        assert live.value("len(sent)") == before

        answered = _shown(_act(live, {"type": "ask", "transcript": document["id"], "model": "echo"}))
        assert (answered["state"], answered["error"]) == ("done", None)
        assert answered["blocks"][0]["text"] == "You said: hi"

        again = _shown(live.run("%llm hi", "cell-2"))["error"]
        assert again["text"].startswith("echo is installed here, but no model is the default, so nothing was sent.")
        assert [way["code"] for way in again["ways"][:2]] == ["%llm -m echo …", "%llm default echo"]
        live.run("items = [{'text': 'a'}]")
        rows = _shown(live.run("%llm --each items {{ text }}", "cell-3"))["error"]
        assert rows["title"] == "Which model should answer?"
        assert {way["code"] for way in rows["ways"] if "label" in way} == {"%llm keys set openai"}
        assert live.value("len(sent)") == before + 1
    finally:
        live.run("os.environ['LLM_USER_PATH'] = before; failures.local = fetch")


def test_a_notebook_s_own_model_without_a_key_is_no_first_use(live: Kernel) -> None:
    live.run(FRESH)
    try:
        cell = live.run("%llm hi", "cell-1", notebook={"path": "own.ipynb", "model": "keyed"})
        assert _shown(cell)["error"]["title"] == "No key for keyed"
    finally:
        live.run("os.environ['LLM_USER_PATH'] = before")


def test_a_name_that_is_not_known_offers_those_that_are_like_it(live: Kernel) -> None:
    refused = live.run("%llm -m ehco Hello?", "cell-1")
    document = _shown(refused)
    assert refused.status == "error"
    assert (document["state"], document["error"]["title"]) == ("failed", "No model is called “ehco”")
    (way,) = document["error"]["ways"]
    assert (way["model"], way["code"]) == ("echo", "%llm -m echo …")

    asked = _act(live, {"type": "ask", "transcript": document["id"], "model": "echo"})
    answered = _shown(asked)
    assert (answered["id"], answered["model"], answered["state"]) == (document["id"], "echo", "done")
    assert answered["error"] is None
    assert "Hello?" in answered["blocks"][0]["text"]
    # The conversation continues from there.
    assert live.run("%llm -c And now?", "cell-2").status == "ok"
    assert "Hello?" in str(live.value("texts(sent[-1])"))


def test_an_answer_that_was_cut_at_the_token_limit_goes_on_or_starts_over(live: Kernel) -> None:
    cut = _shown(live.run("%llm -m cut-short --out said long", "cell-1"))
    assert (cut["state"], cut["cut"], cut["remarks"]) == ("done", True, [])

    whole = _shown(_act(live, {"type": "continue", "transcript": cut["id"]}))
    assert (whole["state"], whole["cut"]) == ("done", False)
    assert [block["text"] for block in whole["blocks"]] == ["Once upon aOnce upon a"]
    assert live.value("said") == "Once upon aOnce upon a"
    assert live.value("texts(sent[-1])")[1:] == ["assistant: Once upon a", f"user: {GO_ON}"]

    before = live.value("len(sent)")
    # Whatever is over is asked nothing more.
    for kind in ("continue", "retry"):
        _act(live, {"type": kind, "transcript": cut["id"]})
    assert live.value("len(sent)") == before

    again = _shown(live.run("%llm -m cut-short long", "cell-2"))
    anew = _shown(_act(live, {"type": "retry", "transcript": again["id"]}))
    assert (anew["id"], [block["text"] for block in anew["blocks"]]) == (again["id"], ["Once upon a"])
    assert live.value("texts(sent[-1])") == ["user: long"]


def test_a_refused_key_is_typed_anew_and_asked_with(live: Kernel) -> None:
    live.run("from llm_notebook.configuration.keys import set_key\nset_key('scripted', 'wrong')")
    try:
        document = _shown(live.run("%llm -m keyed hi", "cell-1"))
        assert document["error"]["title"] == "keyed refused the key (401)"
        assert document["error"]["text"] == "keyed: invalid x-api-key"
        assert document["error"]["ways"][0]["key"] == "scripted"
        assert document["error"]["canStartOver"]
        _tell(live, {"type": "key", "transcript": document["id"], "name": "scripted", "key": KEY})
        answered = _shown(_act(live, {"type": "retry", "transcript": document["id"]}))
        assert answered["blocks"][0]["text"] == f"A key of {len(KEY)} characters."
    finally:
        live.run("%llm keys remove scripted")


def test_the_name_of_a_provider_that_refuses_a_key_is_told() -> None:
    problem = problem_of(ProviderError("gpt-4o-mini: no", status=401), get_model("gpt-4o-mini"))
    assert problem.title == "OpenAI refused the key (401)"
    assert [way.key for way in problem.ways] == ["openai"]


def test_only_what_was_offered_is_asked(live: Kernel) -> None:
    document = _shown(live.run("%llm -m ehco Hello?", "cell-1"))
    before = live.value("len(sent)")
    _act(live, {"type": "ask", "transcript": document["id"], "model": "other"})
    _act(live, {"type": "ask", "transcript": "forged", "model": "echo"})
    assert live.value("len(sent)") == before


def test_a_key_is_stored_from_the_page_and_never_comes_back(live: Kernel) -> None:
    document = _shown(live.run("%llm -m keyed hi", "cell-1"))
    assert document["error"]["kind"] == "key"
    assert "Nothing was sent." in document["error"]["text"]
    assert document["error"]["ways"][0]["key"] == "scripted"
    assert not document["error"]["canStartOver"]

    message = {"type": "key", "transcript": document["id"], "name": "scripted", "key": f" {KEY} "}
    told = _tell(live, message)
    assert told["document"]["error"]["canStartOver"]
    assert "key" not in str([way.get("key") for way in told["document"]["error"]["ways"]])
    try:
        answered = _shown(_act(live, {"type": "retry", "transcript": document["id"]}))
        assert answered["blocks"][0]["text"] == f"A key of {len(KEY)} characters."
    finally:
        live.run("%llm keys remove scripted")
    assert KEY not in repr(live.heard)
    assert KEY not in live.run("%history -g sk-typed").stdout


@pytest.mark.parametrize(
    "forged",
    [{"name": "openai"}, {"transcript": "another"}, {"name": ["scripted"]}, {"key": "not a\nkey"}, {"key": ""}],
)
def test_only_the_key_that_is_asked_for_is_stored(live: Kernel, forged: dict[str, Any]) -> None:
    document = _shown(live.run("%llm -m keyed hi", "cell-1"))
    _tell(live, {"type": "key", "transcript": document["id"], "name": "scripted", "key": KEY} | forged)
    assert live.value("__import__('llm_notebook').load_keys()") == {}


def test_where_output_is_captured_or_nobody_watches_the_error_itself_is_shown(live: Kernel) -> None:
    captured = live.run("%%capture\n%llm -m ehco hi", "cell-1")
    assert "No model is called 'ehco'." in "".join("".join(content["traceback"]) for content in captured.of("error"))
    unattended = live.run("%llm -m ehco hi", "cell-1", allow_stdin=False)
    assert "No model is called 'ehco'." in "".join(unattended.of("error")[0]["traceback"])
    assert unattended.outputs == []
