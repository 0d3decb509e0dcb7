"""A turn as a reader sees it: stream events and what becomes of calls, as blocks of reasoning, text and calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from llm_notebook.journal.operations import CallEntry, Scope
from llm_notebook.parts.messages import StreamEvent, Usage
from llm_notebook.transcript.blocks import Block, CallBlock

__all__ = ["Block", "CallBlock", "Problem", "Scope", "State", "TranscriptView", "add_usage"]

State = Literal["waiting", "streaming", "paused", "done", "interrupted", "failed"]
_OVER: tuple[State, ...] = ("done", "interrupted", "failed")
_PartKey = tuple[int, int | None, str]


@dataclass(slots=True)
class Problem:
    """What went wrong, as the reader is told.

    Attributes:
        kind: `key` where a key is missing, `error` otherwise.
        title: what happened, in a few words.
        text: what it means, and on which side it is. May hold other people's words.
        ways: lines to type, each with what it does.
    """

    title: str
    text: str
    kind: Literal["key", "error"] = "error"
    ways: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class TranscriptView:
    """One turn, all rounds of its chain: what was asked of whom, what arrived, and how it stands.

    Change it by its methods; fields that are set from outside take effect with the next document or delta.

    Attributes:
        model_id: the model that answers.
        state: how it stands.
        id: of the transcript: the same for the live view, the record and after a reload.
        began: when the turn began, ISO 8601 with offset, where that is known.
        blocks: what arrived, in order. Positions never change.
        seconds: how long it has taken so far, or took; without the time that a human took to decide.
        notice: what to tell the reader while nothing arrives, such as why a request is sent again.
        notice_seconds: after how long that ends, where that is known.
        notice_detail: a further sentence about it.
        usage: tokens of all rounds, once known; shown where `show_usage`.
        cost: what all rounds cost, or why that is not known; shown with the usage.
        cut_short: the model stopped at its token limit.
        remarks: sentences of ours for the reader, plain text, shown under the answer.
        not_saved: why the turn is not in the journal; empty while it is.
        problem: what went wrong, where that is for the transcript to tell.
        hide_reasoning: leave reasoning out.
        show_calls: show what calls were asked with and returned without a click.
        scopes: how far "Always allow" may reach here.
        size: characters that arrived so far.
        touched: positions of blocks in the order they changed, for who follows; repetitions of the last one are left out.
    """

    model_id: str
    state: State = "waiting"
    id: str = ""
    began: str = ""
    blocks: list[Block] = field(default_factory=list)
    seconds: float = 0.0
    notice: str = ""
    notice_seconds: float | None = None
    notice_detail: str = ""
    usage: Usage | None = None
    show_usage: bool = False
    cost: str = ""
    cut_short: bool = False
    remarks: list[str] = field(default_factory=list)
    not_saved: str = ""
    problem: Problem | None = None
    hide_reasoning: bool = False
    show_calls: bool = False
    scopes: tuple[Scope, ...] = ()
    size: int = 0
    touched: list[int] = field(default_factory=list)
    _noticed_at: float = 0.0
    _by_part: dict[_PartKey, Block] = field(default_factory=dict)
    _results: dict[_PartKey, CallBlock | None] = field(default_factory=dict)
    _by_tool_call: dict[str, CallBlock] = field(default_factory=dict)
    _by_call: dict[str, CallBlock] = field(default_factory=dict)

    def start_over(self) -> None:
        """Nothing has arrived, as at first. Whoever follows must be sent the whole."""
        self.blocks.clear()
        self.touched.clear()
        self._by_tool_call.clear()
        self._by_call.clear()
        self._forget_parts()
        self._notice_ends()
        self.seconds, self.size, self.usage, self.cut_short = 0.0, 0, None, False
        self.remarks, self.problem, self.state = [], None, "waiting"

    def begin(self, seconds: float) -> None:
        """A run begins: the first one, or one that goes on after a pause, an interruption or a failure."""
        self._forget_parts()
        self.seconds = seconds
        self.problem = None
        self.state = "streaming" if self.blocks else "waiting"

    def feed(self, event: StreamEvent, seconds: float) -> None:
        """Take the next event.

        Args:
            event: with its `part_index` filled in, as a response and a chain give it.
            seconds: since the turn began.
        """
        self.seconds = seconds
        self._notice_ends()
        if not event.chunk and event.type != "tool_result":
            return
        self.state = "streaming"
        self.size += len(event.chunk)
        part = (event.message_index, event.part_index, event.type.removesuffix("_name").removesuffix("_args"))
        if event.type == "tool_result":
            self._feed_result(event, part, seconds)
            return
        block = self._by_part.get(part)
        if block is None or _is_another_call(block, event):
            block = self._by_part[part] = self._opened(event, seconds)
        if isinstance(block, CallBlock) and event.tool_call_id and not block.tool_call_id:
            block.tool_call_id = event.tool_call_id
            block.version += 1
            self._by_tool_call[event.tool_call_id] = block
        if event.type == "tool_call_name":
            block.name += event.chunk
            block.version += 1
        else:
            block.chunks.append(event.chunk)
        self._touch(block)

    def call_changed(self, entry: CallEntry, seconds: float | None = None) -> None:
        """A call came to another state.

        Args:
            entry: the call as it stands.
            seconds: since the turn began, where that is known.
        """
        block = self._by_call.get(entry.call_id)
        if block is None:
            block = self._by_tool_call.get(entry.tool_call_id)
            if block is None or block.call_id:
                block = self._new_call(
                    entry.tool_name, entry.tool_call_id, self.seconds if seconds is None else seconds
                )
            self._by_call[entry.call_id] = block
        if seconds is not None:
            self.seconds = seconds
            self._notice_ends()
        if self.state == "waiting":
            self.state = "streaming"
        block.take(entry, self.seconds)
        self._touch(block)

    def waits(self, notice: str, seconds: float, detail: str = "") -> None:
        """Nothing arrives for a while.

        Args:
            notice: why.
            seconds: after how long that ends.
            detail: a further sentence about it.
        """
        self.notice, self.notice_seconds, self.notice_detail = notice, seconds, detail
        self._noticed_at = self.seconds

    @property
    def notice_left(self) -> float | None:
        """Seconds after which the notice ends, from now; None where that is not known."""
        if self.notice_seconds is None:
            return None
        return max(0.0, self.notice_seconds - (self.seconds - self._noticed_at))

    def blocked(self, call_id: str, why: str) -> None:
        """Say why a waiting call cannot be decided here; nothing where it can."""
        block = self._by_call.get(call_id)
        if block is not None and block.blocked != why:
            block.blocked = why
            block.version += 1
            self._touch(block)

    def revoked(self, grant_id: str) -> None:
        """An "always allow" was taken back: the calls that it allowed say so."""
        for block in self.calls:
            if block.grant_id == grant_id and not block.grant_revoked:
                block.grant_revoked = True
                block.version += 1
                self._touch(block)

    def end(self, state: State, seconds: float) -> None:
        """The run is over: done, paused, interrupted or failed."""
        self.state = state
        self.seconds = seconds
        self._notice_ends()
        self._close_newest(seconds)
        if state in ("done", "paused"):
            for block in self.calls:
                if block.complete():
                    self._touch(block)
        self._forget_parts()

    @property
    def calls(self) -> list[CallBlock]:
        """The tool calls, in order."""
        return [block for block in self.blocks if isinstance(block, CallBlock)]

    @property
    def open_calls(self) -> list[CallBlock]:
        """The calls that a human is to decide about."""
        return [block for block in self.calls if block.status in ("waiting", "unknown")]

    def call(self, call_id: str) -> CallBlock | None:
        """The call with this id in the journal."""
        return self._by_call.get(call_id)

    @property
    def shown(self) -> list[Block]:
        """The blocks that a reader is to see."""
        return [block for block in self.blocks if not (self.hide_reasoning and block.kind == "reasoning")]

    @property
    def silent(self) -> bool:
        """The turn is under way and there is nothing to see of it yet."""
        return self.state == "waiting" or (self.state == "streaming" and not self.shown)

    @property
    def is_over(self) -> bool:
        """Nothing more comes by itself, and nobody is asked."""
        return self.state in _OVER

    @property
    def answer(self) -> str:
        """The text of the answer alone."""
        return "".join(block.text for block in self.blocks if block.kind == "text")

    def _opened(self, event: StreamEvent, seconds: float) -> Block:
        if event.type in ("tool_call_name", "tool_call_args"):
            known = self._by_tool_call.get(event.tool_call_id or "")
            if known is not None and known.status == "writing":
                return known
            name = event.tool_name or "" if event.type == "tool_call_args" else ""
            return self._new_call(name, event.tool_call_id or "", seconds)
        return self._added(Block("text" if event.type == "text" else "reasoning", began=seconds), seconds)

    def _new_call(self, name: str, tool_call_id: str, seconds: float) -> CallBlock:
        block = CallBlock("call", name=name, began=seconds, tool_call_id=tool_call_id)
        self._added(block, seconds)
        if tool_call_id:
            self._by_tool_call[tool_call_id] = block
        return block

    def _added(self, block: Block, seconds: float) -> Block:
        self._close_newest(seconds)
        block.position = len(self.blocks)
        self.blocks.append(block)
        self._touch(block)
        return block

    def _feed_result(self, event: StreamEvent, part: _PartKey, seconds: float) -> None:
        if part not in self._results:
            block = self._call_answered_by(event)
            if block is None:
                block = self._new_call(event.tool_name or "", event.tool_call_id or "", seconds)
            # What the core told before is the whole of it.
            self._results[part] = None if block.result is not None else block
        taker = self._results[part]
        if taker is not None:
            taker.returned(event.chunk)
            self._touch(taker)

    def _call_answered_by(self, event: StreamEvent) -> CallBlock | None:
        if event.tool_call_id:
            return self._by_tool_call.get(event.tool_call_id)
        return next((b for b in self.calls if b.result is None and b.name == event.tool_name), None)

    def _close_newest(self, seconds: float) -> None:
        if self.blocks and self.blocks[-1].ended is None:
            newest = self.blocks[-1]
            newest.ended = seconds
            newest.version += newest.kind == "reasoning"
            self._touch(newest)

    def _forget_parts(self) -> None:
        self._by_part.clear()
        self._results.clear()

    def _notice_ends(self) -> None:
        self.notice = ""
        self.notice_seconds = None
        self.notice_detail = ""

    def _touch(self, block: Block) -> None:
        if not self.touched or self.touched[-1] != block.position:
            self.touched.append(block.position)


def _is_another_call(block: Block, event: StreamEvent) -> bool:
    known = block.tool_call_id if isinstance(block, CallBlock) else ""
    return bool(known and event.tool_call_id and known != event.tool_call_id)


def add_usage(one: Usage | None, other: Usage | None) -> Usage | None:
    """The tokens of two rounds together. What neither knows stays unknown."""
    if one is None or other is None:
        return one or other
    return Usage(_sum(one.input, other.input), _sum(one.output, other.output), _sum(one.details, other.details))


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _sum(one.get(key), other.get(key)) for key in one | other}
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other if one is None else one
