"""One prompt for every row: what comes back, what is asked again, and what is never paid twice."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from PIL import Image

import llm_notebook as llm
from llm_notebook.rows import plan
from llm_notebook.turns.prompt import Prompt
from llm_notebook.turns.turn import Turn
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, Reply, Request, UntilSet, refusal, sse, text_chunk, usage_chunk
from tests.rows.conftest import Rows, answer_of


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rows that are set aside become due at once."""
    monkeypatch.setattr(plan, "_FIRST_PAUSE", 0.01)


def _frame(count: int = 5) -> pd.DataFrame:
    return pd.DataFrame({"text": [f"w{number}" for number in range(count)]}, index=[f"r{n}" for n in range(count)])


def test_a_frame_comes_back_with_new_columns_of_the_right_types(rows: Rows) -> None:
    frame = _frame()
    found = rows.map(frame, schema="label, score int")
    assert list(found.columns) == ["text", "label", "score", "error", "cost", "turn"]
    assert found.index.equals(frame.index)
    assert list(found["label"]) == ["w0", "w1", "w2", "w3", "w4"]
    assert found["score"].dtype == "Int64"
    assert found["error"].isna().all()
    assert list(frame.columns) == ["text"]
    turn = llm.history(limit=1)[0]
    assert turn.begun.turn_id in set(found["turn"])


def test_texts_come_back_in_order_however_long_each_takes(rows: Rows) -> None:
    found = rows.map([f"w{number}" for number in range(200)], concurrency=32)
    assert [row["answer"] for row in found] == [f"w{number}" for number in range(200)]
    assert all(row["error"] is None and row["turn"] for row in found)


def test_an_iterator_is_read_as_it_is_needed_and_comes_back_in_order(rows: Rows) -> None:
    taken = Counter[str]()

    def texts() -> Iterator[dict[str, str]]:
        for number in range(1000):
            taken["rows"] += 1
            yield {"text": f"w{number}"}

    async def first() -> Any:
        found = await llm.amap_rows(texts(), "Say {{ text }}", model=rows.model, concurrency=4, progress=False)
        row = await anext(found)
        await found.aclose()
        return row

    if rows.face == "sync":
        found = llm.map_rows(texts(), "Say {{ text }}", model=rows.model, concurrency=4, progress=False)
        assert taken["rows"] == 0
        row = next(found)
        found.close()
    else:
        row = asyncio.run(first())
    assert row["answer"] == "w0"
    assert taken["rows"] < 600
    assert len(rows.take_asked()) < 600
    assert [row["answer"] for row in rows.map(texts(), concurrency=16)] == [f"w{number}" for number in range(1000)]
    assert [run.status for run in llm.runs()] == ["complete", "interrupted"]


def test_each_row_of_a_slow_iterator_is_asked_as_it_comes_and_its_answer_is_handed_on(rows: Rows) -> None:
    answers, handed_on = list[str](), threading.Event()

    def texts() -> Iterator[str]:
        for number in range(5):
            handed_on.clear()
            yield f"w{number}"
            # The next row comes only after the answer to this one.
            assert handed_on.wait(60)

    def take(row: dict[str, Any]) -> None:
        answers.append(row["answer"])
        handed_on.set()

    async def read() -> None:
        found: Any = await llm.amap_rows(texts(), "Say {{ text }}", model=rows.model, progress=False)
        async for row in found:
            take(row)

    if rows.face == "async":
        asyncio.run(read())
    else:
        for row in llm.map_rows(texts(), "Say {{ text }}", model=rows.model, progress=False):
            take(row)
    assert answers == ["w0", "w1", "w2", "w3", "w4"]


def test_a_column_that_only_a_later_row_of_an_iterator_has_is_found(rows: Rows) -> None:
    items = [{"text": "w0"}, {"text": "w1", "note": "good"}]
    found = rows.map(iter(items), "About {{ row.get('note') }} {{ note }} say {{ text }}")
    assert [row["answer"] for row in found] == [None, "w1"]
    assert "note" in found[0]["error"]


def test_a_column_is_found_however_its_letters_are_written(rows: Rows) -> None:
    for column in ("ﬁeld", "field", "größe", "größe"):
        name = {"f": "field", "g": "größe", "ﬁ": "ﬁeld"}[column[0]]
        for expression in (name, f"{name}[:2]", f"row['{column}']"):
            frame = pd.DataFrame({column: ["w0"]})
            assert rows.map(frame, f"Say {{{{ {expression} }}}}")["answer"].tolist() == ["w0"]
    with pytest.raises(llm.RowsError, match="There is no column 'field'; the columns are text"):
        rows.map(["a"], "Say {{ ﬁeld }}")


def test_a_slow_first_row_lets_no_more_rows_of_an_iterator_pile_up_than_the_window_holds(rows: Rows) -> None:
    is_full, read, read_then = threading.Event(), [0], [0]

    def texts() -> Iterator[str]:
        for number in range(600):
            read[0] += 1
            yield f"w{number}"

    def reply(text: str) -> Reply | None:
        if text == "Say w255":
            read_then[0] = read[0]
            is_full.set()
        answer = answer_of("w0")
        return (
            Reply([UntilSet(is_full), *answer.pieces], content_type=answer.content_type) if text == "Say w0" else None
        )

    rows.replies = reply
    assert [row["answer"] for row in rows.map(texts(), concurrency=4)] == [f"w{number}" for number in range(600)]
    # The window holds 256 rows, and the last of them has been sent.
    assert read_then == [256]


@pytest.mark.parametrize("kind", [pl.DataFrame, pa.table])
def test_frames_of_other_libraries_come_back_as_they_are_and_a_sample_does_too(
    rows: Rows, kind: Callable[[Any], Any]
) -> None:
    frame = kind({"text": [f"w{number}" for number in range(10)], "other": list(range(10))})
    sample = rows.map(frame, schema="label, score int", sample=2)
    assert type(sample) is type(frame)
    assert nw.from_native(sample)["label"].to_list() == ["w0", "w5"]
    assert rows.take_asked() == ["Say w0", "Say w5"]
    found = rows.map(frame, schema="label, score int")
    assert type(found) is type(frame)
    assert len(rows.take_asked()) == 8
    columns = nw.from_native(found).to_dict(as_series=False)
    assert list(columns) == ["text", "other", "label", "score", "error", "cost", "turn"]
    assert (columns["text"], columns["other"]) == (columns["label"], list(range(10)))
    assert columns["score"] == [6] * 10


def test_a_finished_run_sends_nothing_and_changed_rows_are_asked_anew(rows: Rows) -> None:
    frame = _frame()
    first = rows.map(frame)
    rows.take_asked()
    again = rows.map(frame)
    assert rows.take_asked() == []
    pd.testing.assert_frame_equal(first, again)
    frame.loc["r2", "text"] = "other"
    assert rows.map(frame).loc["r2", "answer"] == "other"
    assert rows.take_asked() == ["Say other"]
    elsewhere = type(rows.model)("m", base_url=rows.server.base_url.replace("127.0.0.1", "localhost"))
    for changed in ({"system": "Be short."}, {"schema": "label"}, {"schema": "label, score int"}, {"model": elsewhere}):
        rows.map(frame, **changed)
        assert len(rows.take_asked()) == 5
    rows.map(frame, resume=False)
    assert len(rows.take_asked()) == 5


def test_other_tools_are_another_question_to_a_model_that_is_not_asked_over_http(face: Face) -> None:
    def look(word: str) -> str:
        """Look a word up."""
        return word

    def find(word: str) -> str:
        """Find a word."""
        return word

    model = face.model("yes", supports_tools=True)
    for tools in ([look], [look], [find], [look, find], [find], []):
        llm.map_rows(["a", "b"], "Say {{ text }}", model=model, tools=tools, concurrency=1, progress=False)
    assert [[tool.name for tool in prompt.tools] for prompt in model.requests[::2]] == [
        ["look"], ["find"], ["look", "find"], []
    ]  # fmt: skip
    assert len(model.requests) == 8


def test_equal_rows_are_asked_once_unless_it_is_wanted(rows: Rows) -> None:
    texts = ["a", "b", "a", "a"]
    assert [row["answer"] for row in rows.map(texts)] == texts
    assert rows.take_asked() == ["Say a", "Say b"]
    rows.map(texts, resume=False, dedupe=False)
    assert rows.take_asked() == ["Say a", "Say a", "Say a", "Say b"]


def test_equal_rows_far_apart_are_asked_once_unless_it_is_wanted(rows: Rows) -> None:
    texts = ["a", *(f"w{number}" for number in range(150)), "a"]
    rows.map(texts, concurrency=4)
    assert Counter(rows.take_asked())["Say a"] == 1
    rows.map(texts, concurrency=4, resume=False)
    assert Counter(rows.take_asked())["Say a"] == 1
    rows.map(texts, concurrency=4, resume=False, dedupe=False)
    assert Counter(rows.take_asked())["Say a"] == 2
    for given in (texts, iter(texts)):
        assert [row["answer"] for row in rows.map(given, concurrency=4, keep=False)] == texts
        assert Counter(rows.take_asked())["Say a"] == 1
    # An answer that does not fit is asked again, but not once for each equal row.
    rows.replies = lambda text: answer_of("no JSON") if text == "Say a" else None
    rows.map(texts, concurrency=4, schema="label")
    rows.take_asked()
    rows.map(texts, concurrency=4, schema="label", retry="failed")
    assert rows.take_asked() == ["Say a"]


def test_failed_rows_say_why_and_are_asked_again_when_that_is_wanted(rows: Rows) -> None:
    long = json.loads(answer_of("cut").pieces[0])  # type: ignore[arg-type]
    long["choices"][0]["finish_reason"] = "length"
    replies = {
        "Say w1": answer_of("no JSON"),
        "Say w2": answer_of('{"label": "x", "score": "many"}'),
        "Say w3": Reply.of_json(long),
        "Say w4": refusal(400, "That is not allowed."),
    }
    rows.replies = replies.get
    found = rows.map(_frame(), schema="label, score int")
    assert list(found["label"].isna()) == [False, True, True, True, True]
    says = ["no JSON", "score", "token limit", "That is not allowed."]
    for label, said in zip(["r1", "r2", "r3", "r4"], says, strict=True):
        assert said in found.loc[label, "error"]
    rows.take_asked()
    rows.map(_frame(), schema="label, score int")
    assert rows.take_asked() == []
    rows.replies = lambda _: None
    mended = rows.map(_frame(), schema="label, score int", retry="failed")
    assert rows.take_asked() == ["Say w1", "Say w2", "Say w3", "Say w4"]
    assert mended["error"].isna().all()


def test_what_passes_by_itself_is_asked_until_it_is_answered(rows: Rows) -> None:
    seen = Counter[str]()
    failing = {
        "Say w0": [refusal(429, retry_after_ms="1")] * 5,
        "Say w1": [refusal(500)],
        "Say w2": [Reply([b'{"id": "x", "choi'], content_type="application/json")] * 2,
    }

    def reply(text: str) -> Reply | None:
        seen[text] += 1
        left = failing.get(text)
        return left.pop() if left else None

    rows.replies = reply
    found = rows.map(_frame())
    assert list(found["answer"]) == ["w0", "w1", "w2", "w3", "w4"]
    assert seen == {"Say w0": 6, "Say w1": 2, "Say w2": 3, "Say w3": 1, "Say w4": 1}


def test_an_answer_that_comes_broken_every_time_is_asked_three_times(rows: Rows) -> None:
    rows.replies = lambda text: Reply([b'{"id": "x", "choi'], content_type="application/json") if "w0" in text else None
    found = rows.map(_frame(2))
    assert Counter(rows.take_asked()) == {"Say w0": 3, "Say w1": 1}
    assert found["answer"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    "sent",
    [
        Reply([b"<html><title>Login</title></html>"], content_type="text/html"),
        Reply.of_json(["no", "answer"]),
        Reply([b"good morning"], content_type="application/json"),
        Reply([], content_type="application/json"),
        Reply([b'{"id": "x"'], headers={"content-length": "500"}, content_type="application/json"),
    ],
    ids=["page", "list", "text", "empty", "wrong length"],
)
def test_what_is_no_answer_is_asked_three_times_and_again_by_a_later_run(rows: Rows, sent: Reply) -> None:
    sent = replace(sent, pieces=[*sent.pieces, Cut()]) if sent.headers else sent
    rows.replies = lambda text: sent if "w0" in text else None
    found = rows.map(_frame(2))
    assert Counter(rows.take_asked()) == {"Say w0": 3, "Say w1": 1}
    assert found["answer"].isna().tolist() == [True, False]
    rows.replies = lambda _: None
    assert rows.map(_frame(2))["answer"].tolist() == ["w0", "w1"]
    assert rows.take_asked() == ["Say w0"]


def _filtered(text: str) -> Reply:
    body = json.loads(answer_of(text).pieces[0])  # type: ignore[arg-type]
    body["choices"][0]["finish_reason"] = "content_filter"
    return Reply.of_json(body)


def test_answers_that_a_filter_stopped_are_paid_once_and_end_no_run(rows: Rows) -> None:
    rows.replies = lambda text: _filtered(text) if text < "Say w60" else None
    texts = [f"w{number:02}" for number in range(64)]
    found = rows.map(texts, concurrency=4)
    assert len(rows.take_asked()) == 64
    assert [row["answer"] for row in found[60:]] == texts[60:]
    assert all("filter" in row["error"] and row["answer"] is None for row in found[:60])
    rows.map(texts)
    assert rows.take_asked() == []


@pytest.mark.parametrize(
    ("said", "times"),
    [
        ({"message": "Overloaded"}, 4),
        ({"message": "Incorrect API key provided.", "code": 401}, 1),
        ({"message": "No such model.", "code": 404}, 1),
    ],
)
def test_an_error_inside_an_answer_is_asked_again_where_it_may_pass(
    rows: Rows, said: dict[str, Any], times: int
) -> None:
    rows.replies = lambda text: Reply.of_json({"error": said}) if "w0" in text else None
    found = rows.map(_frame(2))
    assert Counter(rows.take_asked()) == {"Say w0": times, "Say w1": 1}
    assert said["message"] in found.loc["r0", "error"]


def test_prompts_that_are_too_long_fail_alone_however_many_there_are(rows: Rows) -> None:
    said = "This model's maximum context length is 100 tokens. However, your messages resulted in 120 tokens."
    rows.replies = lambda text: refusal(400, said) if text < "Say w60" else None
    found = rows.map([f"w{number:02}" for number in range(64)], concurrency=4)
    assert len(rows.take_asked()) == 64
    assert sum(row["answer"] is not None for row in found) == 4
    assert "20 tokens too many" in found[0]["error"]


def test_a_server_that_never_sends_an_answer_ends_the_run(rows: Rows) -> None:
    rows.replies = lambda _: Reply([b"<html></html>"], content_type="text/html")
    with pytest.raises(llm.RowsError, match="web page"):
        rows.map(_frame(500), concurrency=4)
    assert len(rows.take_asked()) < 80


def test_a_row_costs_what_all_its_attempts_cost(rows: Rows) -> None:
    # A broken answer may say what it has used before it breaks off.
    left = [Reply([sse(text_chunk("w"), usage_chunk(10, 1000), done=False)])]
    rows.replies = lambda _: left.pop() if left else None
    [found] = rows.map(["w0"], model=rows.priced_model)
    assert len(rows.take_asked()) == 2
    assert found["cost"] == pytest.approx(0.0020025 + 0.0000125)


def test_a_wrong_key_ends_the_run_and_what_was_answered_is_there(rows: Rows) -> None:
    rows.replies = lambda text: None if text in ("Say w0", "Say w1") else refusal(401, "Incorrect API key provided.")
    with pytest.raises(llm.RowsError, match="Incorrect API key provided") as raised:
        rows.map(_frame(500), concurrency=4)
    assert len(rows.take_asked()) < 80
    partial: Any = raised.value.partial
    assert len(partial) == 500
    assert partial["answer"].notna().sum() == 2


def test_a_run_that_is_expected_to_cost_more_than_the_limit_is_refused(rows: Rows) -> None:
    texts = [f"w{number}" for number in range(1000)]
    with pytest.raises(
        llm.RowsError,
        match=r"would cost about \$0\.30, and limit_cost is \$0\.10\. 1,000 rows are about 1,900 tokens in.*sample=20",
    ):
        rows.map(texts, model=rows.priced_model, limit_cost=0.1)
    assert rows.take_asked() == []


def test_a_sample_asks_some_rows_of_all_parts_and_the_rest_is_asked_later(rows: Rows) -> None:
    frame = _frame(100)
    sample = rows.map(frame, sample=4)
    assert list(sample.index) == ["r0", "r25", "r50", "r75"]
    assert list(sample["answer"]) == ["w0", "w25", "w50", "w75"]
    assert len(rows.take_asked()) == 4
    assert len(rows.map(frame)) == 100
    assert len(rows.take_asked()) == 96
    assert [row["answer"] for row in rows.map(["a", "b", "c"], sample=20)] == ["a", "b", "c"]
    assert [row["answer"] for row in rows.map(iter("defg"), sample=2)] == ["d", "e"]


def test_a_run_stops_at_the_limit_and_goes_on_with_a_higher_one(rows: Rows) -> None:
    texts = [f"w{number}" for number in range(100)]
    usage = {"prompt_tokens": 10, "completion_tokens": 5000, "total_tokens": 5010}

    def dear(text: str) -> Reply:
        body = json.loads(answer_of(text.rpartition(" ")[2]).pieces[0])  # type: ignore[arg-type]
        return Reply.of_json(body | {"usage": usage})

    rows.replies = dear
    found = rows.map(texts, model=rows.priced_model, limit_cost=0.1, concurrency=4)
    asked = len(rows.take_asked())
    # An answer costs one cent, which nobody could know before the first one.
    assert 9 <= asked <= 14
    assert sum(row["cost"] or 0 for row in found) == pytest.approx(asked * 0.0100025)
    unasked = [row for row in found if row["answer"] is None]
    assert len(unasked) == 100 - asked
    assert all("limit of $0.10 is reached" in row["error"] for row in unasked)
    whole = rows.map(texts, model=rows.priced_model, limit_cost=2, concurrency=4)
    assert [row["answer"] for row in whole] == texts
    assert len(rows.take_asked()) == 100 - asked


def test_an_iterator_that_stops_at_the_limit_says_that_it_is_not_at_its_end(rows: Rows) -> None:
    model, taken = rows.priced_model, []

    def texts() -> Iterator[str]:
        for number in range(500):
            taken.append(number)
            yield f"w{number}"

    with pytest.raises(llm.RowsError, match=r"The limit of \$0\.0010 is reached.*the same call asks the rest"):
        rows.map(texts(), model=model, limit_cost=0.001, concurrency=4)
    assert len(taken) < 500


def test_a_row_whose_prompt_cannot_be_made_fails_alone_though_it_is_the_first(rows: Rows) -> None:
    found = rows.map(["", "\ud83d", "good"], "Say {{ 1 / len(text) }} {{ text }}")
    # The server is sent a question mark for half a character, and answers with what it was sent.
    assert [row["answer"] for row in found] == [None, "?", "good"]
    assert "ZeroDivisionError" in found[0]["error"]
    assert len(rows.take_asked()) == 2
    [left] = rows.map(["a"], "Say {{ exit() }} {{ text }}")
    assert "SystemExit" in left["error"]


def test_a_column_of_paths_pictures_or_bytes_goes_with_the_prompts(rows: Rows, tmp_path: Path) -> None:
    picture = Image.new("RGB", (2, 2))
    path = tmp_path / "a.png"
    picture.save(path)
    given = [
        path,
        str(path),
        path.read_bytes(),
        picture,
        llm.Attachment(path=str(path)),
        None,
        str(tmp_path / "no.png"),
    ]
    sent: list[Any] = []

    def answer(request: Request) -> Reply:
        content = request.json()["messages"][-1]["content"]
        sent.append([part["type"] for part in content] if isinstance(content, list) else content)
        return answer_of("seen")

    rows.server.answer = answer
    model = rows.model
    model.attachment_types = {"image/png"}
    items = [{"name": number, "file": one} for number, one in enumerate(given)]
    found = rows.map(items, "See {{ name }}", attachments="file", model=model)
    assert [row["answer"] for row in found] == ["seen"] * 6 + [None]
    assert "there is no such file" in found[-1]["error"]
    assert sorted(map(str, sent)) == ["See 5", *["['text', 'image_url']"] * 5]


def test_without_a_journal_nothing_is_kept(rows: Rows) -> None:
    found = rows.map(_frame(), keep=False)
    assert found["turn"].isna().all()
    rows.map(_frame(), keep=False)
    assert len(rows.take_asked()) == 10
    assert llm.history() == []


def test_expressions_see_the_row_and_missing_values_are_empty(rows: Rows) -> None:
    frame = pd.DataFrame({"unit price": [1.5, float("nan")], "name": ["ab", None]})
    rows.map(frame, "{{ row['unit price'] * 2 }}|{{ name }}|{{ [c for c in str(name)][0] }}")
    assert rows.take_asked() == ["3.0|ab|a", "||n"]


@pytest.mark.parametrize("error", [ValueError("line 71 is no JSON"), AssertionError(), SystemExit(3)])
def test_an_iterator_that_fails_ends_the_run_with_its_error_and_what_is_answered_is_kept(
    rows: Rows, error: BaseException
) -> None:
    def texts() -> Iterator[str]:
        yield from (f"w{number}" for number in range(70))
        raise error

    with pytest.raises(type(error)) as raised:
        rows.map(texts(), concurrency=4)
    assert raised.value is error
    asked = rows.take_asked()
    assert [row["answer"] for row in rows.map(f"w{number}" for number in range(70))] == [f"w{n}" for n in range(70)]
    assert len(asked) + len(rows.take_asked()) == 70


class _Withdrawing(llm.AsyncModel):
    """Cancels its own request for one row, as a library does whose connection is closed."""

    model_id = "withdrawing"

    async def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,
        response: llm.AsyncResponse,
        conversation: llm.AsyncConversation | None = None,
    ) -> AsyncIterator[str]:
        if prompt.prompt == "Say w1":
            waiting = asyncio.get_running_loop().create_future()
            waiting.cancel()
            await waiting
        yield "yes"


def test_a_model_that_cancels_its_own_request_fails_that_row_alone(rows: Rows) -> None:
    for given in (_frame(8)["text"].tolist(), iter(_frame(8)["text"])):
        found = rows.map(given, model=_Withdrawing(), concurrency=2)
        assert [row["answer"] for row in found] == ["yes", None, *["yes"] * 6]
        assert "cancelled the request" in found[1]["error"]


def test_a_later_row_of_an_iterator_is_not_overwritten_and_one_without_the_column_fails_alone(rows: Rows) -> None:
    plain = [{"text": f"w{number}"} for number in range(100)]
    found = rows.map(iter([*plain, {"name": "x"}]))
    assert found[100]["answer"] is None
    assert "text" in found[100]["error"]
    with pytest.raises(llm.RowsError, match="Row 100 has a column 'answer', and the result needs that name: rename it"):
        rows.map(iter([*plain, {"text": "a", "answer": "mine"}]))
    assert rows.map(iter([])) == []


def test_a_row_that_is_done_leaves_nothing_to_the_garbage_collector(rows: Rows) -> None:
    def alive() -> int:
        return sum(isinstance(one, Turn | Prompt) for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = alive()
        found = rows.map([f"w{number}" for number in range(50)], schema="label, score float")
        left = alive() - before
    finally:
        gc.enable()
    assert [row["label"] for row in found] == [f"w{number}" for number in range(50)]
    assert left < 10
