"""A turn as its reader sees it: a state, and blocks of reasoning, text and calls. Every display is made from this view.

How it works. There are two sources of information about a turn. Stream events (`feed()`) bring the model's reasoning, text and calls as they
arrive; the journal's entries (`update_call()`) give the state of each call. A call is in both: the model writes it piece by piece in the
stream, and from then on it is proposed, waits, runs and ends in the journal. The view brings the two together:

- Events of the same part go to the same block. A part is identified by its index, its message and its kind (`_PartKey`).
- A call's block is found by the provider's id of the call, and later by the id of its entry in the journal. Not every provider gives
  ids, so a result without an id goes to the first call of the same tool that has no result yet.
- A result may come from both sources. The journal's is complete, so a result from the stream is ignored after it.

The numbers of parts begin again when a chain is resumed. Therefore `begin()` and `end()` forget the parts but keep the blocks, and
nothing is ever added to the block of an earlier run except by the id of its call.

The view does no I/O. It notes the positions of changed blocks in `touched` and raises the `version` of a block whose change is more than
appended text or rows, which is all that a `DeltaWriter` needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from llm_notebook.journal.grants import Scope
from llm_notebook.journal.operations import CallEntry
from llm_notebook.parts.messages import StreamEvent, Usage
from llm_notebook.transcript.answer.pictures import shown_picture
from llm_notebook.transcript.answer.sources import Sources
from llm_notebook.transcript.answer.tables import AnswerShape
from llm_notebook.transcript.beside import Beside
from llm_notebook.transcript.blocks import Block, CallBlock, PictureBlock
from llm_notebook.transcript.endings import Limit, Problem, Unsent, can_go_on
from llm_notebook.transcript.visible import byte_length

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.parts.finishes import FinishReason
    from llm_notebook.parts.sent import Sent

__all__ = ["Block", "CallBlock", "Scope", "State", "TranscriptView"]

State = Literal["unsent", "waiting", "streaming", "paused", "done", "interrupted", "failed"]
_OVER: tuple[State, ...] = ("done", "interrupted", "failed")
_PartKey = tuple[int, int | None, str]
_MOST_OF_PICTURES = 1024 * 1024  # bytes that those of a turn may take in a notebook file together


@dataclass(slots=True)
class TranscriptView:
    """One turn with all rounds of its chain: the model, what has arrived, and the current state.

    Methods change the blocks and the state. Other fields may be set from outside, and take effect with the next document or delta.

    Attributes:
        model_id: the model that answers.
        state: the current state of the turn.
        id: the id of the transcript: the same in the live view, in the notebook file and after reloading.
        began: when the turn began, in ISO 8601 with offset; empty if it is not known.
        blocks: the blocks in the order in which they arrived. Their positions never change.
        seconds: how long the turn has taken, without the time that a human took to decide.
        notice: a sentence to show while nothing arrives, such as why a request is sent again.
        notice_seconds, notice_detail: how long nothing will arrive, counted from the notice, if it is known; a second sentence.
        usage: the tokens of all rounds; None until they are known.
        show_usage: whether to show model, tokens, cost and time under the answer.
        cost: the cost of all rounds, or why it is not known.
        finish: why the model stopped; None if it is not known.
        sent, remarks: what was sent with the prompt; our own sentences to show under the answer, as plain text.
        not_saved: why the turn is not in the journal; empty if it is.
        problem, limit: what went wrong, if the transcript should explain it; where the turn stopped at the limit of its chain.
        hide_reasoning, show_calls: whether to hide reasoning, and whether to show the arguments and results of calls unfolded.
        scopes, grants_end: the possible scopes of "Always allow" here, and whether each ends with the kernel because no path is known.
        by_keyboard: whether the cell is still running and asks by keyboard, so that a click would come too late.
        held_up: the ids of the cells that were queued behind this one, were skipped because it asked, and have not run since.
        sources: the sources that the answer names, by their numbers.
        shape: the form in which the text of the answer is shown.
        beside: what is shown besides the answer; None if there is nothing.
        unsent: what an unsent prompt would ask; None if it was sent.
        size, written: how many characters have arrived, and how many bytes its text takes as UTF-8 and its pictures as base64.
        touched: the positions of changed blocks in the order of the changes, without immediate repetitions.
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
    finish: FinishReason | None = None
    sent: list[Sent] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    not_saved: str = ""
    problem: Problem | None = None
    limit: Limit | None = None
    hide_reasoning: bool = False
    show_calls: bool = False
    scopes: tuple[Scope, ...] = ()
    grants_end: bool = False
    by_keyboard: bool = False
    held_up: list[str] = field(default_factory=list)
    sources: Sources = field(default_factory=Sources)
    shape: AnswerShape = field(default_factory=AnswerShape)
    beside: Beside | None = None
    unsent: Unsent | None = None
    size: int = 0
    written: int = 0
    touched: list[int] = field(default_factory=list)
    _noticed_at: float = 0.0
    _by_part: dict[_PartKey, Block] = field(default_factory=dict)
    _results: dict[_PartKey, CallBlock | None] = field(default_factory=dict)
    _by_tool_call: dict[str, CallBlock] = field(default_factory=dict)
    _by_call: dict[str, CallBlock] = field(default_factory=dict)
    _broken_off: Block | None = None

    def start_over(self) -> None:
        """Empty the view for an answer that starts over. Afterwards, readers must be sent the whole document."""
        self.blocks.clear()
        self.touched.clear()
        self._by_tool_call.clear()
        self._by_call.clear()
        self.sources.clear()
        self._forget_parts()
        self._clear_notice()
        self.seconds, self.size, self.written, self.usage, self.finish = 0.0, 0, 0, None, None
        self.remarks, self.problem, self.limit, self.state = [], None, None, "waiting"

    def begin(self, seconds: float) -> None:
        """Begin a run: the first one, or one that continues after a pause, an interruption, a failure or a cut.

        Args:
            seconds: how long the turn has taken so far.
        """
        self._forget_parts()
        if self.is_over and can_go_on(self):
            self.join_next()
        self.seconds = seconds
        self.problem = self.limit = self.finish = None
        self.state = "streaming" if self.blocks else "waiting"

    def join_next(self) -> None:
        """Let the following text continue the last one, which may have broken off inside a word."""
        self._broken_off = self.blocks[-1] if self.blocks and self.blocks[-1].kind == "text" else None

    def feed(self, event: StreamEvent, seconds: float) -> None:
        """Accept the next event of the stream.

        Args:
            event: the event, with a `part_index`. Responses and chains fill it in.
            seconds: seconds since the turn began.
        """
        self.seconds = seconds
        self._clear_notice()
        if event.attachment is not None:
            self._feed_picture(event.attachment, seconds)
            return
        if not event.chunk and event.type != "tool_result":
            self._cite(event)
            return
        self.state = "streaming"
        self.size += len(event.chunk)
        part = (event.message_index, event.part_index, event.type.removesuffix("_name").removesuffix("_args"))
        if event.type == "tool_result":
            self._feed_result(event, part, seconds)
            return
        block, call_id = self._by_part.get(part), event.tool_call_id
        is_another = isinstance(block, CallBlock) and call_id and block.tool_call_id not in ("", call_id)
        if block is None or is_another:
            block = self._by_part[part] = self._block_for(event, seconds)
        if isinstance(block, CallBlock) and event.tool_call_id and not block.tool_call_id:
            block.tool_call_id = event.tool_call_id
            block.version += 1
            self._by_tool_call[event.tool_call_id] = block
        if event.type == "tool_call_name":
            block.name += event.chunk
            block.version += 1
        else:
            block.append(event.chunk)
            self.written += byte_length(event.chunk)
        self.touch(block)
        self._cite(event)

    def update_call(self, entry: CallEntry, seconds: float | None = None) -> None:
        """Adopt the new state of a call.

        Args:
            entry: the call as the journal has it.
            seconds: seconds since the turn began; None if it is not known.
        """
        block = self._by_call.get(entry.call_id)
        if block is None:
            block = self._by_tool_call.get(entry.tool_call_id)
            if block is None or block.call_id:
                began = self.seconds if seconds is None else seconds
                block = self._add_call(entry.tool_name, entry.tool_call_id, began)
                self._by_part.clear()  # the model's next text comes after a call that it has run itself
            self._by_call[entry.call_id] = block
        if seconds is not None:
            self.seconds = seconds
            self._clear_notice()
        if self.state == "waiting":
            self.state = "streaming"
        block.update(entry, self.seconds)
        self.touch(block)

    def show_notice(self, notice: str, seconds: float | None = None, detail: str = "") -> None:
        """Show a notice while nothing arrives; the next event removes it.

        Args:
            notice, detail: one or two sentences that say why.
            seconds: how long nothing will arrive, if it is known.
        """
        self.notice, self.notice_seconds, self.notice_detail = notice, seconds, detail
        self._noticed_at = self.seconds

    @property
    def notice_left(self) -> float | None:
        """The seconds that are left of the time the notice announced; None if it announced none."""
        if self.notice_seconds is None:
            return None
        return max(0.0, self.notice_seconds - (self.seconds - self._noticed_at))

    def add_printed(self, call_id: str, text: str | None) -> CallBlock | None:
        """Accept a piece of a call's output, from any thread; None clears its output. Returns the call's block."""
        block = self._by_call.get(call_id)
        if block is not None and text is None:
            block.printed.clear()
        elif block is not None and text is not None:
            block.printed.add(text)
            self.size += len(text)
        return block

    def show_printed(self, now: float | None) -> None:
        """Show the new output of calls: what is due at `now`, on a monotonic clock in seconds, or all with None."""
        for block in self.calls:
            if block.printed.is_due(now):
                block.version += 1
                self.touch(block)

    def mark_question(self, call_id: str, blocked: str = "", refused: str = "") -> None:
        """Set why a waiting call cannot be approved here and why the latest decision about it does not count; empty if neither applies."""
        block = self._by_call.get(call_id)
        if block is not None and (block.blocked, block.refused) != (blocked, refused):
            block.blocked, block.refused = blocked, refused
            block.version += 1
            self.touch(block)

    def mark_revoked(self, grant_id: str) -> None:
        """Mark the calls that an "always allow" has decided, because it was revoked."""
        for block in self.calls:
            if block.grant_id == grant_id and not block.grant_revoked:
                block.grant_revoked = True
                block.version += 1
                self.touch(block)

    def end(self, state: State, seconds: float) -> None:
        """End the run in a state that is `done`, `paused`, `interrupted` or `failed`; it has taken so many seconds in all."""
        self.state = state
        self.seconds = seconds
        self._clear_notice()
        self._close_newest(seconds)
        if state in ("done", "paused"):
            for block in self.calls:
                if block.status == "writing":
                    block.complete()
                    self.touch(block)
        if self.beside is not None and state == "done":
            for changed in self.beside.finish(self.blocks):
                self.touch(changed)
        self._forget_parts()
        self.show_printed(None)

    @property
    def calls(self) -> list[CallBlock]:
        """The blocks of tool calls, in order."""
        return [block for block in self.blocks if isinstance(block, CallBlock)]

    @property
    def pictures(self) -> list[PictureBlock]:
        """The blocks of pictures and other files that the model has made, in order."""
        return [block for block in self.blocks if isinstance(block, PictureBlock)]

    @property
    def open_calls(self) -> list[CallBlock]:
        """The calls about which a human has to decide."""
        return [block for block in self.calls if block.is_asked]

    def call(self, call_id: str) -> CallBlock | None:
        """Return the call with this id in the journal, or None if there is none."""
        return self._by_call.get(call_id)

    @property
    def shown(self) -> list[Block]:
        """The blocks to show to the reader."""
        return [block for block in self.blocks if not (self.hide_reasoning and block.kind == "reasoning")]

    @property
    def silent(self) -> bool:
        """Whether the turn is under way and there is nothing to show yet."""
        is_bare = self.state == "waiting" or (self.state == "streaming" and not self.shown)
        return is_bare and (self.beside is None or self.beside.job is None)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will arrive and no human is asked."""
        return self.state in _OVER

    @property
    def answer(self) -> str:
        """The text of the answer, without reasoning and calls."""
        return "".join(block.text for block in self.blocks if block.kind == "text")

    def _block_for(self, event: StreamEvent, seconds: float) -> Block:
        """Return the block that an event of a new part begins, or an earlier one that the event continues."""
        broken_off, self._broken_off = self._broken_off, None
        if broken_off is not None and event.type == "text":
            return broken_off
        if event.type in ("tool_call_name", "tool_call_args"):
            known = self._by_tool_call.get(event.tool_call_id or "")
            if known is not None and known.status == "writing":
                return known
            name = event.tool_name or "" if event.type == "tool_call_args" else ""
            return self._add_call(name, event.tool_call_id or "", seconds)
        return self.add(self.shape.block(event.type, seconds), seconds)

    def _add_call(self, name: str, tool_call_id: str, seconds: float) -> CallBlock:
        block = CallBlock("call", name=name, began=seconds, tool_call_id=tool_call_id)
        self.add(block, seconds)
        if tool_call_id:
            self._by_tool_call[tool_call_id] = block
        return block

    def _feed_picture(self, attachment: Attachment, seconds: float) -> None:
        self.state = "streaming"
        taken = sum(block.shown.size for block in self.pictures if block.shown is not None)
        shown = shown_picture(attachment, self.model_id, max(0, _MOST_OF_PICTURES - taken) * 3 // 4)  # in base64
        self.size += shown.size
        self.written += len(shown.data)
        self.add(PictureBlock("picture", began=seconds, attachment=attachment, shown=shown), seconds)

    def _cite(self, event: StreamEvent) -> None:
        """Note the sources that an event names for its text."""
        if not event.citations:
            return
        newest = next((block for block in reversed(self.blocks) if block.kind == "text"), None)
        block = self._by_part.get((event.message_index, event.part_index, "text"), newest)
        marks = self.sources.mark(event.citations, block.text if block is not None else "")
        if block is not None and marks:
            block.marks += marks
            block.version += 1
            self.touch(block)

    def add(self, block: Block, seconds: float) -> Block:
        """Add a block."""
        self._close_newest(seconds)
        block.position = len(self.blocks)
        self.blocks.append(block)
        self.touch(block)
        return block

    def _feed_result(self, event: StreamEvent, part: _PartKey, seconds: float) -> None:
        if part not in self._results:
            block = self._call_answered_by(event)
            if block is None:
                block = self._add_call(event.tool_name or "", event.tool_call_id or "", seconds)
            # A call that has a result already has all of it, from its entry in the journal.
            self._results[part] = None if block.result is not None else block
        taker = self._results[part]
        if taker is not None:
            taker.append_result(event.chunk)
            self.touch(taker)

    def _call_answered_by(self, event: StreamEvent) -> CallBlock | None:
        if event.tool_call_id:
            return self._by_tool_call.get(event.tool_call_id)
        return next((b for b in self.calls if b.result is None and b.name == event.tool_name), None)

    def _close_newest(self, seconds: float) -> None:
        if self.blocks and self.blocks[-1].ended is None:
            newest = self.blocks[-1]
            newest.ended = seconds
            newest.version += newest.kind == "reasoning"
            self.touch(newest)

    def _forget_parts(self) -> None:
        self._by_part.clear()
        self._results.clear()

    def _clear_notice(self) -> None:
        self.notice, self.notice_seconds, self.notice_detail = "", None, ""

    def touch(self, block: Block) -> None:
        """Note that a block has changed."""
        if self.touched[-1:] != [block.position]:
            self.touched.append(block.position)
