"""The protocol that every journal implements. The operations that it records are in `operations`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from llm_notebook.journal.operations import AnsweredWith, CallEntry, TurnEntry

if TYPE_CHECKING:
    from concurrent.futures import Future
    from datetime import datetime

    from llm_notebook.journal.grants import Grant
    from llm_notebook.journal.runs import RowEntry, RowsEntry
    from llm_notebook.journal.uses import TurnUse
    from llm_notebook.parts.messages import Message

__all__ = ["Journal"]

A = TypeVar("A")


class Journal(Protocol):
    """A durable record of turns, calls, decisions and grants. Safe to use from several threads and processes at once.

    Every method and future may raise JournalError if the journal cannot be used. A call reads as `unknown` if the process that
    was running it has died.
    """

    @property
    def owner(self) -> str:
        """The name of the OS lock that this process holds while it streams and runs calls, and while its grants are in force."""

    def submit(self, operation: AnsweredWith[A]) -> Future[A]:
        """Hand over an operation, and return at once. The future is done when the operation is durable."""

    def call(self, call_id: str) -> CallEntry | None:
        """Return one call. `call_id` may be any part of its id that no other call's id contains."""

    def waiting(self) -> list[CallEntry]:
        """Return the calls that need a human or a resumed chain, oldest first.

        These are the `waiting` and `unknown` calls, and the decided calls that have neither started nor received a result.
        """

    def turn(self, turn_id: str) -> TurnEntry | None:
        """Return one turn with its calls. `turn_id` may be any part of its id that no other turn's id contains."""

    def chain(self, chain_id: str) -> list[TurnEntry]:
        """Return the rounds of one chain, oldest first; an empty list if there is no such chain."""

    def conversation(self, conversation_id: str) -> list[TurnEntry]:
        """Return all turns of one conversation, oldest first. A part of the id is enough if only one conversation's id contains it."""

    def has_gone_on(self, conversation_id: str, turn_id: str, chain_id: str) -> bool:
        """Return whether a complete turn of another chain continues a turn of a conversation."""

    def history(self, query: str = "", *, limit: int = 50, rows: bool = True) -> list[TurnEntry]:
        """Return the latest turns, newest first. With a query, only turns whose prompt or answer contains all its words.

        Args:
            query: the words.
            limit: the largest number of turns.
            rows: whether the rows of runs are among the latest turns. A query finds them in any case.
        """

    def uses(self, *, since: datetime | None = None) -> list[TurnUse]:
        """Return what each turn used, oldest first, without its messages: all of them, or those that began at a time or later."""

    def messages(self, turn_id: str) -> list[Message]:
        """Return the whole history up to and including the answer of this turn."""

    def latest_turn(
        self,
        *,
        cell_id: str | None = None,
        notebook: str | None = None,
        started_in: str | None = None,
        place: int | None = None,
    ) -> TurnEntry | None:
        """Return the latest turn that has all the given attributes, which `TurnBegun` describes."""

    def open_turns(self, cell_id: str) -> list[TurnEntry]:
        """Return the turns with calls that need a human or a resumed chain, in all cells with this id, oldest first.

        This includes calls that are suspended because of a chain inside their tool.
        """

    def turns_inside(self, call_id: str) -> list[TurnEntry]:
        """Return the turns that the tool of this call asked, oldest first, without those that the tools of these turns asked."""

    def rows(self, requests: Sequence[str], rows_id: str = "") -> dict[str, RowEntry]:
        """Return how rows were answered, by the digests of what they were sent. A good answer counts before a later failure.

        Args:
            requests: the digests.
            rows_id: count only what this run has asked; empty for all runs.
        """

    def runs(self, *, limit: int = 50) -> list[RowsEntry]:
        """Return the latest runs over rows, newest first."""

    def grants(self) -> list[Grant]:
        """Return the grants in force, oldest first. Grants of a process that has ended are not in force."""

    def flush(self) -> None:
        """Wait until every operation that was handed over is durable."""

    def close(self) -> None:
        """Make everything durable and release the file."""
