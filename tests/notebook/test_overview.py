"""What a page shows in its status bar comes from the kernel, and a page can change the default and the notebook's model by it."""

from __future__ import annotations

from typing import Any

from tests.notebook.kernels import Kernel
from tests.notebook.versions import click_of, is_idle


def _tell(kernel: Kernel, message: dict[str, Any]) -> dict[str, Any]:
    """Send a message as a page does, and return what the kernel has told last."""
    sent = kernel.tell("llm_notebook", message)
    kernel.hear(lambda heard: is_idle(heard, sent))
    told: dict[str, Any] = kernel.comm_messages("llm_notebook")[-1]["content"]["data"]
    return told


def test_a_page_is_told_of_models_of_what_waits_and_of_what_was_used(live: Kernel) -> None:
    before = _tell(live, {"type": "overview"})
    assert before["default"] in {model["id"] for model in before["models"]}
    assert (before["sent"], before["received"], before["cost"]) == (0, 0, "")
    asked = live.run("ask('/a')", "cell-1")
    assert asked.status == "error"
    told = _tell(live, {"type": "overview"})
    assert told["waits"] == before["waits"] + 1
    question = told["waiting"][-1]
    assert (question["tool"], question["arguments"]) == ("erase", '{"path": "/a"}')
    denied = live.run(f"%llm deny {click_of(asked)['request']}", "cell-2")
    assert denied.status == "ok", denied.traceback
    assert _tell(live, {"type": "overview"})["waits"] == before["waits"]


def test_the_model_of_a_notebook_answers_where_a_prompt_names_none(kernel: Kernel) -> None:
    def run(code: str, model: object) -> tuple[str, str]:
        request = kernel.send(code, "cell-1", notebook={"path": "a.ipynb", "model": model})
        (cell,) = kernel.collect(request)
        return cell.traceback, "".join(cell.markdown)

    known = [model["id"] for model in _tell(kernel, {"type": "overview"})["models"]]
    assert "echo" in known
    other = next(name for name in known if name != "echo")
    for model in ("", 7, None, "echo"):
        assert "echo" in run("%llm --dry-run Hi", model)[1]
    assert other in run("%llm --dry-run Hi", other)[1]
    assert other not in run("%llm --dry-run -m echo Hi", other)[1]
    problem, _ = run("%llm Hi", "nosuch")
    assert "This notebook's model cannot be used" in problem
    assert "Nothing was sent" in problem
    problem, _ = run("%llm Hi", "x" * 1_000_000)
    assert "This notebook's model cannot be used" in problem
    assert len(problem) < 1_000


def test_a_page_can_make_only_a_model_that_can_be_used_the_default(kernel: Kernel) -> None:
    known = [model["id"] for model in _tell(kernel, {"type": "overview"})["models"]]
    other = next(name for name in known if name != "echo")
    for model in ("nosuch", "", None, {"a": 1}):
        assert _tell(kernel, {"type": "default", "model": model})["default"] == "echo"
    assert _tell(kernel, {"type": "default", "model": other})["default"] == other
    assert _tell(kernel, {"type": "default", "model": "echo"})["default"] == "echo"
