"""What a cell asks once it is rendered: the prompt and everything that is sent with it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.models.conversations import Conversation
from llm_notebook.notebook.prompts.given import Given
from llm_notebook.notebook.prompts.known_secrets import removed
from llm_notebook.notebook.prompts.templating import Applied
from llm_notebook.parts.sent import Sent

if TYPE_CHECKING:
    from llm_notebook.models.responses import Response
    from llm_notebook.notebook.cells.session import ConversationNode, Session
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.notebook.prompts.wanted import Wanted
    from llm_notebook.turns.origin import Origin

__all__ = ["Asked"]


@dataclass(slots=True)
class Asked:
    """What a cell asks once it is rendered.

    Attributes:
        arguments: its options.
        prompt, system: the prompt and the system prompt, after interpolation.
        given: the values and files that are sent with it.
        tools: its tools, marked where their calls need approval.
        origin: the place where it is asked.
        session: the conversations of its notebook.
        node: its place in these conversations.
        conversation: the conversation that it continues.
        wanted, applied: what is wanted of the answer besides its text, and the templates.
        told: what the record says about the prompt itself, such as which values an error report names.
    """

    arguments: Arguments
    prompt: str
    system: str | None
    given: Given
    tools: list[Any]
    origin: Origin
    session: Session
    node: ConversationNode
    conversation: Conversation
    wanted: Wanted
    applied: Applied
    told: list[Sent] = field(default_factory=list)

    @property
    def sent(self) -> list[Sent]:
        """What the record says about it in addition to what the prompt itself knows, and what was removed from all of it."""
        scrubber = self.given.secrets.made
        return [*self.told, *self.given.told, *(() if scrubber is None else removed(scrubber))]

    def corrected(self, latest: Response, told: str) -> Asked:
        """Return the request that tells the model what is wrong with its latest answer. What was sent with the prompt is in the history already."""
        conversation = Conversation(latest.model, responses=[latest])
        applied = Applied(self.applied.arguments)
        return replace(self, prompt=told, given=Given(), applied=applied, conversation=conversation)
