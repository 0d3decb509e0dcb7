"""Every error this package raises on purpose, in one hierarchy.

Exception
├── ModelError                     something a user can act on; shown in a cell as one sentence
│   ├── NeedsKeyException          the model needs a key and none was found
│   ├── ConversationNotSupported   (also ValueError) the model takes single prompts only
│   ├── IncompleteResponse         the stream ended before its end; carries `.partial`
│   ├── ToolArgumentError          (also ValueError) a tool call's arguments cannot be used; carries `.raw`
│   ├── FragmentNotFound           (also ValueError) a fragment reference that nothing loads
│   ├── TemplateError              (also ValueError) a template that is not there, cannot be read or lacks variables
│   ├── JournalError               the journal cannot be opened, read or written
│   ├── TransportError             the server could not be reached or stopped answering
│   └── ProviderError              the server answered with an error; carries `.status` and `.request_id`
└── UnknownModelError              (a KeyError) no model of that name; names the closest ones
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.parts.messages import Message

__all__ = [
    "ConversationNotSupported",
    "FragmentNotFound",
    "IncompleteResponse",
    "JournalError",
    "ModelError",
    "NeedsKeyException",
    "ProviderError",
    "TemplateError",
    "ToolArgumentError",
    "TransportError",
    "UnknownModelError",
]


class ModelError(Exception):
    """An expected failure, told in one sentence that says what to do next.

    Raise it from a model's `execute()` for missing dependencies, invalid configuration or an exhausted quota: a notebook cell
    shows the sentence without a traceback.

    Attributes:
        response: the response that failed, once one is known.
        request_id: the provider's id of the request, where it gave one.
    """

    response: Any = None
    request_id: str | None = None

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class NeedsKeyException(ModelError):
    """The model needs an API key and none was found. Nothing was sent."""


class ConversationNotSupported(ModelError, ValueError):
    """The model answers single prompts and cannot be given a history. Nothing was sent."""


class FragmentNotFound(ModelError, ValueError):
    """A fragment reference that no loader knows, or whose loader failed."""


class TemplateError(ModelError, ValueError):
    """A template that is not there, cannot be read, or lacks variables."""


class JournalError(ModelError):
    """The journal cannot be opened, read or written; the message says which file, why, and what to do."""


class TransportError(ModelError):
    """The server could not be reached, or the connection failed before an answer began."""


class ProviderError(ModelError):
    """The server answered with an error.

    Attributes:
        status: HTTP status code, or None when the error came inside a stream that began with 200.
        code: the provider's own short code or type, where it gave one.
    """

    def __init__(
        self, message: str, *, status: int | None = None, code: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id


class IncompleteResponse(ModelError):
    """A response ended before its terminal event; what arrived is kept and never passes for the whole.

    Attributes:
        partial: the messages as far as they arrived. A tool call that was cut short is not in them.
        partial_text: the text as far as it arrived.
    """

    def __init__(self, message: str, *, partial: list[Message] | None = None, partial_text: str = "") -> None:
        super().__init__(message)
        self.partial: list[Message] = partial if partial is not None else []
        self.partial_text = partial_text


class ToolArgumentError(ModelError, ValueError):
    """A tool call's arguments cannot be used as the model wrote them.

    Attributes:
        tool_name: the tool that was to be called.
        raw: the arguments as the model wrote them.
    """

    def __init__(self, message: str, *, tool_name: str = "", raw: str = "") -> None:
        super().__init__(message)
        self.tool_name = tool_name
        self.raw = raw


class UnknownModelError(KeyError):
    """No model has that id or alias."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]
