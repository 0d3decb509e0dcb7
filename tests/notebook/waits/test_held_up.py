"""What is said of the cells behind one that waits: only what is so, and only until they have run after all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.notebook.kernels import Kernel
from tests.notebook.versions import MIME_TYPE, click_of, is_record


def _says(*held: str) -> Any:
    """Return a condition on messages: a record that names these cells as held up."""

    def holds(message: dict[str, Any]) -> bool:
        document = message["content"].get("data", {}).get(MIME_TYPE)
        return message["msg_type"] == "update_display_data" and document["heldUp"] == list(held)

    return holds


def _queue(kernel: Kernel, *others: tuple[str, str | None]) -> list[Any]:
    """Run a cell that waits, with others queued behind it."""
    with kernel.queueing():
        requests = [kernel.send(code, cell) for code, cell in (("ask('/a')", "asks"), *others)]
    return kernel.collect(*requests)


def test_the_cells_that_were_queued_are_named_until_they_have_run(live: Kernel) -> None:
    _, one, two = _queue(live, ("ran.append(1)", "one"), ("ran.append(2)", "two"))
    assert [one.status, two.status] == ["aborted", "aborted"]
    record = live.hear(_says("one", "two"))["content"]["data"]
    assert "2 cells below did not run, because this one waits for you." in record["text/markdown"]
    assert "2 cells below did not run, because this one waits for you." in record["text/plain"]

    live.send("ran.append(1)", "one")
    assert "1 cell below did not run, because" in live.hear(_says("two"))["content"]["data"]["text/plain"]
    live.send("ran.append(2)", "two")
    assert "did not run" not in live.hear(_says())["content"]["data"]["text/plain"]
    assert live.value("ran") == [1, 2]


def test_nothing_is_said_where_nothing_was_queued(live: Kernel) -> None:
    [asked] = _queue(live)
    live.run("pass", "later")
    [*_, record] = [bundle for bundle in asked.outputs if MIME_TYPE in bundle]
    assert record[MIME_TYPE]["heldUp"] == []
    assert "did not run" not in record["text/plain"] + record["text/markdown"]


@pytest.mark.parametrize(
    ("code", "cell"), [("ran.append(1)", None), ("ask('/a')", "asks")], ids=["no id", "the same cell again"]
)
def test_what_cannot_be_told_from_others_is_not_counted(live: Kernel, code: str, cell: str | None) -> None:
    _queue(live, (code, cell), ("pass", "other"))
    live.hear(_says("other"))


def test_cells_that_another_error_stops_are_not_its_doing(live: Kernel) -> None:
    _queue(live, ("pass", "one"))
    live.hear(_says("one"))
    with live.queueing():
        requests = live.send("1/0", "fails"), live.send("pass", "two")
    failed, after = live.collect(*requests)
    assert (failed.status, after.status) == ("error", "aborted")
    live.send("pass", "one")
    live.hear(_says())


def test_after_the_answer_it_is_said_without_the_reason(live: Kernel) -> None:
    asked, _ = _queue(live, ("pass", "one"))
    live.hear(_says("one"))
    live.tell("llm_notebook", click_of(asked))
    document = live.hear(lambda message: is_record(message) and _state(message) == "done")
    assert document["content"]["data"]["document"]["heldUp"] == ["one"]
    assert "1 cell below did not run." in document["content"]["data"]["bundle"]["text/plain"]


def _state(message: dict[str, Any]) -> str:
    return str(message["content"]["data"]["document"]["state"])
