"""Answers whose metadata is no JSON, and options that another model does not take, sync and async."""

from __future__ import annotations

import decimal
import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

import llm_notebook as llm
from tests.fakes.faces import Face


class StoppingOptions(llm.Options):
    stop: list[str] | None = None
    seed: int | None = None


class SeedOptions(llm.Options):
    seed: int | None = None


class ExclusiveOptions(llm.Options):
    seed: int | None = None
    top: int | None = None

    @pydantic.model_validator(mode="after")
    def _one_of_them(self) -> ExclusiveOptions:
        if self.seed is not None and self.top is not None:
            raise ValueError("seed and top exclude each other")
        return self


def _costly(face: Face) -> Any:
    event = llm.StreamEvent(
        "text", "a long answer", provider_metadata={"google": {"signature": b"\x01", "at": Path("x")}}
    )
    return face.model(
        event, lambda response: response.set_usage(input=1, details={"cost": decimal.Decimal("0.1"), "raw": b"x"})
    )


@pytest.mark.parametrize("with_journal", [False, True])
def test_no_answer_is_lost_over_its_metadata(face: Face, with_journal: bool, tmp_path: Path) -> None:
    if with_journal:
        llm.open_journal(tmp_path / "journal.db")
    conversation = _costly(face).conversation()
    seen: list[Any] = []
    response = conversation.prompt("Hi")
    face.do(response.on_done(seen.append))
    assert face.text(response) == "a long answer"
    assert conversation.responses == seen == [response]
    if with_journal:
        [turn] = llm.history()
        assert turn.output[0].parts[0].provider_metadata == {"google": {"signature": b"\x01", "at": "x"}}
        assert turn.usage is not None
        assert turn.usage.details == {"cost": 0.1, "raw": {"$bytes": "eA=="}}


def test_a_response_is_json_whatever_its_metadata_holds(face: Face) -> None:
    response = _costly(face).prompt("Hi")
    face.text(response)
    data = json.loads(json.dumps(response.to_dict(), allow_nan=False))
    again = face.response_class.from_dict(data, model=face.model("more"))  # type: ignore[attr-defined]
    assert face.text(again) == "a long answer"


def test_options_that_contradict_each_other_elsewhere_are_all_left_out(face: Face) -> None:
    data = {"model": "a", "prompt": {"messages": [], "options": {"seed": 1, "top": 2}}, "messages": []}
    other = face.model("b", Options=ExclusiveOptions)
    with pytest.warns(UserWarning, match="left out: seed, top"):
        again = face.response_class.from_dict(data, model=other)  # type: ignore[attr-defined]
    assert again.prompt.options == ExclusiveOptions()


def test_another_model_goes_on_without_the_options_that_it_does_not_take(face: Face) -> None:
    response = face.model("a", Options=StoppingOptions).prompt("Hi", stop=["\n"], seed=1)
    face.text(response)
    data = json.loads(json.dumps(response.to_dict()))
    other = face.model("b", Options=SeedOptions)
    with pytest.warns(UserWarning, match="scripted does not take these options, so they are left out: stop"):
        again = face.response_class.from_dict(data, model=other)  # type: ignore[attr-defined]
    assert face.text(again) == "a"
    assert again.prompt.options == SeedOptions(seed=1)
    face.text(face.do(again.reply("And?")))
    assert other.requests[0].messages[-1] == llm.user("And?")
