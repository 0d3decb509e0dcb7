"""The conversations of one kernel: which turn each cell of a notebook holds, and which turn is the notebook's latest.

A notebook is not a chat. Cells are run again, in any order, and each run replaces the cell's previous answer. So a conversation is a
tree of nodes, one for each prompt of a cell, and a node keeps its parent when its cell is run again: the second run of a cell with
`-c` is sent the same history as the first, without its own first answer. Its child nodes keep pointing to it and see its new answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from llm_notebook.models.conversations import Conversation
from llm_notebook.models.model import KeyModel, Model
from llm_notebook.models.responses import Response
from llm_notebook.notebook.context.cells import Answer

__all__ = ["ConversationNode", "PromptCount", "Session"]

_MOST_COUNTED = 32


@dataclass(slots=True, eq=False)
class ConversationNode:
    """The place of one prompt in the tree. Running its cell again replaces the response, not the node.

    Attributes:
        parent: the node that it continues; None if it began a conversation.
        response: the latest response; None until there is one.
        before: the node that was the latest when this one was made.
        question, number: its latest prompt, and the number of the execution that asked it.
    """

    parent: ConversationNode | None = None
    response: Response | None = None
    before: ConversationNode | None = None
    question: str = ""
    number: int = 0

    def comes_from(self, other: ConversationNode) -> bool:
        """Return whether this node is the other one or continues it, directly or indirectly."""
        turn: ConversationNode | None = self
        while turn is not None and turn is not other:
            turn = turn.parent
        return turn is not None


@dataclass(slots=True)
class PromptCount:
    """Counts the prompts of each execution, to tell apart several prompts of one cell, as in a loop."""

    _counts: dict[str, int] = field(default_factory=dict)

    def next(self, execution: str) -> int:
        """Return how many prompts an execution has had before this one."""
        # An async cell and a click may alternate, so more than one execution may be under way.
        place = self._counts.pop(execution, 0)
        self._counts[execution] = place + 1
        for old in list(self._counts)[:-_MOST_COUNTED]:
            del self._counts[old]
        return place


@dataclass(slots=True)
class Session:
    """The conversations of one notebook in this kernel."""

    _turns: dict[tuple[str, int], ConversationNode] = field(default_factory=dict)
    _latest: ConversationNode | None = None

    def turn(
        self,
        cell: str,
        place: int,
        *,
        continues: bool,
        recall: Callable[[], Response | None] = lambda: None,
        keeps: bool = True,
    ) -> ConversationNode:
        """Return the node for a prompt of a cell: the one that it had before, if its parent is unchanged.

        Args:
            cell: the name that identifies the cell.
            place: how many prompts the execution of the cell has had before this one.
            continues: whether the prompt is sent together with the turns before it.
            recall: returns the response that the prompt continues from an earlier kernel; None if there is none.
            keeps: False for a prompt that will not be sent, so that nothing is changed.
        """
        known = self._turns.get((cell, place))
        parent = self._parent(known, recall) if continues else None
        if not keeps:
            return ConversationNode(parent)
        # A cell that gains or loses `-c` gets a new node: other cells may still continue its previous answer.
        turn = (
            known
            if known is not None and known.parent is parent
            else ConversationNode(parent, before=known.before if known is not None else self._latest)
        )
        self._turns[cell, place] = turn
        return turn

    def _parent(self, known: ConversationNode | None, recall: Callable[[], Response | None]) -> ConversationNode | None:
        """Return the node that a prompt with -c continues, given the node that its cell had so far."""
        if known is None:
            # Earlier kernels count only until this one has an answer.
            recalled = recall() if self._latest is None else None
            return self._latest if recalled is None else ConversationNode(response=recalled)
        if known.parent is not None:
            return known.parent
        # The cell began a conversation before and now has `-c`: it continues the latest turn, but never its own answer.
        latest = self._latest
        return known.before if latest is not None and latest.comes_from(known) else latest

    def conversation(self, turn: ConversationNode, model: Model | KeyModel) -> Conversation:
        """Return a conversation that holds the turns which the prompt continues."""
        parent = turn.parent
        before = [parent.response] if parent is not None and parent.response is not None else []
        return Conversation(model, responses=before)

    def model_before(self, turn: ConversationNode) -> Model | KeyModel | None:
        """Return the model that answered the parent, or None if there is no parent."""
        parent = turn.parent
        return parent.response.model if parent is not None and parent.response is not None else None

    def answers(self, number: int) -> list[Answer]:
        """Return the answers of the execution with this number, in order."""
        found = (turn for turn in self._turns.values() if turn.number == number and turn.response is not None)
        return [Answer(turn.question, turn.response._turn.state.text()) for turn in found if turn.response is not None]

    def keep(self, turn: ConversationNode, response: Response) -> None:
        """Keep a response, which may be incomplete, in its node, and make that node the latest."""
        turn.response = response
        self._latest = turn
