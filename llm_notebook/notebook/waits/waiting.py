"""Running a cell again while its questions wait: which of them is shown again, and which are left as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.notebook.running.live_turns import LiveTurns
from llm_notebook.notebook.waits.recalling import read_open_calls, read_open_turns
from llm_notebook.transcript.words import on_one_line, short_id
from llm_notebook.turns.origin import Origin, origin_of

if TYPE_CHECKING:
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.parts.messages import Message

__all__ = ["WaitingTurns", "request_digest"]

_MOST_NAMED = 3


def request_digest(
    arguments: Arguments,
    model_id: str,
    prompt: str,
    system: str | None,
    given: object,
    history: Sequence[Message],
    beside: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Return a digest of a rendered request: of everything that would be sent, and of which tool calls need approval.

    Args:
        arguments: the options of its magic.
        model_id: the model that would be asked.
        prompt, system: what is sent, after interpolation.
        given: the result of `Given.digest()` for what is sent with the prompt.
        history: the messages before the prompt.
        beside: anything else that is sent, such as the JSON Schema that the answer has to fit.
    """
    asked = {
        "model": model_id,
        "prompt": prompt,
        "system": system,
        "given": given,
        "history": [message.to_dict() for message in history],
        "options": arguments.options,
        "tools": [arguments.tools, arguments.functions, arguments.approve, arguments.ask_always],
        "hide_reasoning": arguments.hide_reasoning,
        "beside": dict(beside),
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=repr).encode()).hexdigest()


class WaitingTurns:
    """The turns that wait for a human when a cell is run.

    Args:
        turns: the turns of this kernel.
        origin: the place where the cell asks.
    """

    def __init__(self, turns: LiveTurns, origin: Origin) -> None:
        self._turns = turns
        self._origin = origin
        self._live = [turn for turn in turns.turns.values() if turn.is_waiting]
        self._kept = read_open_turns(origin.cell_id)

    def find_repeated(self) -> LiveTurn | None:
        """Return the waiting turn of an earlier, equal request at the same place of the same cell; None if there is none."""
        here = [turn for turn in self._live if self._origin.repeats(turn.origin)]
        if here:
            return here[-1]
        for entry in reversed(self._kept):
            repeats = self._origin.repeats(origin_of(entry.begun))
            found = self._turns.find(entry.begun.chain_id) if repeats else None
            if found is not None and found.is_waiting:
                return found
        return None

    def left(self) -> list[str]:
        """Return sentences that name the questions of this cell, or of cells that it was copied from, that still wait though it asks again."""
        found = list(self._open_calls())
        sentences = [_sentence(where, tool, call_id) for where, tool, call_id in found[-_MOST_NAMED:]]
        more = len(found) - len(sentences)
        return [*sentences, f"So were {more} more."] if more else sentences

    def _open_calls(self) -> Iterator[tuple[str, str, str]]:
        """Yield (the place where it was asked, the name of the tool, its id) for each such question, oldest first."""
        origin, known = self._origin, set()
        for entry in self._kept:
            asked = origin_of(entry.begun)
            if asked.place == origin.place:
                where = "this cell" if origin.is_cell_of(asked) else f"the same cell of {_notebook(asked)}"
                for call in read_open_calls(entry):
                    known.add(call.call_id)
                    yield where, call.tool_name, call.call_id
        for turn in self._live:
            if origin.is_cell_of(turn.origin) and turn.origin.place == origin.place:
                for block in turn.view.open_calls:
                    if block.call_id not in known and block.request is not None:
                        yield "this cell", block.request.tool_name, block.call_id


def _notebook(asked: Origin) -> str:
    # The path is shown as code, which a backtick would end.
    return f"`{on_one_line(asked.path).replace('`', '?')}`" if asked.path else "another notebook"


def _sentence(where: str, tool: str, call_id: str) -> str:
    name = short_id(call_id)
    return f"The question about {on_one_line(tool)} that {where} asked before was left in `%llm pending` (`%llm resume {name}`)."
