"""What a notebook remembers: which cell holds which turn, and which turn the conversation now ends with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llm_notebook.models.conversations import Conversation
from llm_notebook.models.model import KeyModel, Model
from llm_notebook.models.responses import Response
from llm_notebook.notebook.frontend.kernel import CellIdentity

__all__ = ["ConversationNode", "Session"]


@dataclass(slots=True, eq=False)
class ConversationNode:
    """The place of one prompt in the conversation tree. Re-running its cell replaces the response, not the place.

    Attributes:
        parent: the turn that it continues.
        response: what was answered, once it was.
        before: the turn that the conversation ended with when the place was made.
    """

    parent: ConversationNode | None = None
    response: Response | None = None
    before: ConversationNode | None = None

    def comes_from(self, other: ConversationNode) -> bool:
        """True if this turn is the other one or continues it, directly or not."""
        turn: ConversationNode | None = self
        while turn is not None and turn is not other:
            turn = turn.parent
        return turn is not None


@dataclass(slots=True)
class Session:
    """One kernel's conversations.

    `-c` continues from the latest turn. A cell that is run again answers from where it first stood, so its second run
    does not see its first answer.

    Attributes:
        recall: what a cell continues that was run in an earlier kernel, or the latest answer of its notebook; None if that is
            not known.
    """

    recall: Callable[[str], Response | None] = lambda _cell: None
    _turns: dict[tuple[str, int], ConversationNode] = field(default_factory=dict)
    _latest: ConversationNode | None = None
    _execution: str = ""
    _position: int = 0

    def turn(self, identity: CellIdentity, *, continues: bool) -> ConversationNode:
        """The turn for the next prompt of a cell.

        Args:
            identity: of the cell and of this execution of it; several prompts of one execution are told apart by their order.
            continues: the prompt is to be sent with the turns before it.
        """
        cell, execution = identity
        self._position = self._position + 1 if execution == self._execution else 0
        self._execution = execution
        place = (cell, self._position)
        known = self._turns.get(place)
        parent = self._parent(known, cell) if continues else None
        turn = (
            known
            if known is not None and known.parent is parent
            else ConversationNode(parent, before=known.before if known is not None else self._latest)
        )
        self._turns[place] = turn
        return turn

    def _parent(self, known: ConversationNode | None, cell: str) -> ConversationNode | None:
        """What a prompt with -c continues, given the turn that its place held so far."""
        if known is None:
            recalled = self.recall(cell) if self._latest is None else None
            return self._latest if recalled is None else ConversationNode(response=recalled)
        if known.parent is not None:
            return known.parent
        # It continued nothing so far. Now it takes up what was said elsewhere since, but never its own answer.
        latest = self._latest
        return known.before if latest is not None and latest.comes_from(known) else latest

    def conversation(self, turn: ConversationNode, model: Model | KeyModel) -> Conversation:
        """The conversation that the turn's prompt continues."""
        parent = turn.parent
        before = [parent.response] if parent is not None and parent.response is not None else []
        return Conversation(model, before)

    def model_before(self, turn: ConversationNode) -> Model | KeyModel | None:
        """The model that answered the turn before."""
        parent = turn.parent
        return parent.response.model if parent is not None and parent.response is not None else None

    def answered(self, turn: ConversationNode, response: Response) -> None:
        """The turn now holds this response, whole or as far as it came, and the conversation ends with it."""
        turn.response = response
        self._latest = turn
