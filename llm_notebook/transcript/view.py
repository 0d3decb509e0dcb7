"""A turn as a reader sees it: stream events become blocks of reasoning, text and tool calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from llm_notebook.parts import StreamEvent
from llm_notebook.prompts import Usage

__all__ = ["Block", "State", "TranscriptView"]

State = Literal["waiting", "streaming", "done", "interrupted", "failed"]


@dataclass(slots=True)
class Block:
    """One part of a turn, as far as it has arrived.

    Attributes:
        kind: what it is.
        chunks: its text; for a tool call the JSON text of its arguments.
        name: the tool, for calls and results.
        began: seconds after the turn began.
        ended: when the next block began; None for the newest.
    """

    kind: Literal["reasoning", "text", "call", "result"]
    chunks: list[str] = field(default_factory=list)
    name: str = ""
    began: float = 0.0
    ended: float | None = None

    @property
    def text(self) -> str:
        """Everything that arrived of it."""
        return "".join(self.chunks)


@dataclass(slots=True)
class TranscriptView:
    """One turn: what was asked of whom, what arrived, and how it stands.

    Attributes:
        model_id: the model that answers.
        state: how it stands.
        blocks: what arrived, in order.
        seconds: how long it has taken so far, or took.
        notice: what to tell the reader while nothing arrives, such as why a request is sent again.
        usage: tokens, once known; shown where `show_usage`.
        cut_short: the model stopped at its token limit.
        remark: a sentence of ours for the reader, shown under a finished turn.
        hide_reasoning: leave reasoning out.
        size: characters that arrived so far.
    """

    model_id: str
    state: State = "waiting"
    blocks: list[Block] = field(default_factory=list)
    seconds: float = 0.0
    notice: str = ""
    usage: Usage | None = None
    show_usage: bool = False
    cut_short: bool = False
    remark: str = ""
    hide_reasoning: bool = False
    size: int = 0
    _by_part: dict[tuple[int, int | None], Block] = field(default_factory=dict)

    def feed(self, event: StreamEvent, seconds: float) -> None:
        """Take the next event.

        Args:
            event: with its `part_index` filled in, as a response gives it.
            seconds: since the turn began.
        """
        self.seconds = seconds
        self.notice = ""
        if not event.chunk:
            return
        self.state = "streaming"
        self.size += len(event.chunk)
        part = (event.message_index, event.part_index)
        block = self._by_part.get(part)
        if block is None:
            if self.blocks and self.blocks[-1].ended is None:
                self.blocks[-1].ended = seconds
            block = Block(_KINDS[event.type], began=seconds, name=event.tool_name or "")
            self._by_part[part] = block
            self.blocks.append(block)
        if event.type == "tool_call_name":
            block.name += event.chunk
        else:
            block.chunks.append(event.chunk)

    def end(self, state: State, seconds: float) -> None:
        """The turn is over."""
        self.state = state
        self.seconds = seconds
        self.notice = ""
        if self.blocks and self.blocks[-1].ended is None:
            self.blocks[-1].ended = seconds

    @property
    def shown(self) -> list[Block]:
        """The blocks that a reader is to see."""
        return [block for block in self.blocks if not (self.hide_reasoning and block.kind == "reasoning")]

    @property
    def silent(self) -> bool:
        """The turn is under way and there is nothing to see of it yet."""
        return self.state == "waiting" or (self.state == "streaming" and not self.shown)

    @property
    def answer(self) -> str:
        """The text of the answer alone."""
        return "".join(block.text for block in self.blocks if block.kind == "text")


_KINDS: dict[str, Literal["reasoning", "text", "call", "result"]] = {
    "text": "text",
    "reasoning": "reasoning",
    "tool_call_name": "call",
    "tool_call_args": "call",
    "tool_result": "result",
}
