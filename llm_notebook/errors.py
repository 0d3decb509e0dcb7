"""Every error that this package raises on purpose, in one hierarchy.

Exception
├── ModelError                     something a user can act on; shown in a cell as one sentence
│   ├── NeedsKeyException          the model needs a key and none was found
│   ├── ConversationNotSupported   (also ValueError) the model takes single prompts only
│   ├── AnswerMisfit               (also ValueError) an answer is not the data that was asked for; carries `.text` and `.parsed`
│   ├── IncompleteResponse         the stream ended before its end; carries `.partial`
│   ├── ToolArgumentError          (also ValueError) a tool call's arguments cannot be used; carries `.raw`
│   ├── FragmentNotFound           (also ValueError) a fragment reference that nothing loads
│   ├── UnreadAttachment           (also ValueError) the model does not read what is attached; carries `.type` and `.model_id`
│   ├── TemplateError              (also ValueError) a template that does not exist, cannot be read or lacks variables
│   ├── JournalError               the journal cannot be opened, read or written
│   ├── TransportError             the server could not be reached or stopped answering
│   └── ProviderError              the server answered with an error; carries `.status`, `.request_id` and `.partial`
├── ChainLimitReached              (a ValueError) a chain reached its limit of responses before its end
└── UnknownModelError              (a KeyError) no model has this name; the message names the closest ones
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from llm_notebook.public_names import load_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_notebook.parts.messages import Message

__all__ = [
    "AnswerMisfit",
    "ChainLimitReached",
    "ConversationNotSupported",
    "FailedResponse",
    "FragmentNotFound",
    "IncompleteResponse",
    "JournalError",
    "ModelError",
    "NeedsKeyException",
    "Paused",
    "ProviderError",
    "TemplateError",
    "ToolArgumentError",
    "TransportError",
    "UnknownModelError",
    "UnreadAttachment",
    "failure_kind",
    "plain_words",
    "terminal_safe",
]

load_once(__name__, "llm_notebook.errors")

_DIGITS_OF_STATUS = 3
_TERMINAL_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def terminal_safe(text: str) -> str:
    r"""Return `text` with control characters (except newline and tab) spelled out like `\u{1b}`, so that a terminal ignores them.

    Direction-changing characters and lone surrogates are spelled out too. Each character is replaced independently of the others,
    so that a text can be passed in chunks.
    """
    return _TERMINAL_CONTROL.sub(lambda found: f"\\u{{{ord(found.group()):x}}}", text)


def plain_words(said: str) -> str:
    """Return what a server said, to be put into a sentence of ours.

    In our sentences backticks enclose what the reader can type, and pages format it accordingly. Other people's backticks become apostrophes.
    """
    return said.replace("`", "'")


class FailedResponse(Protocol):
    """What a `Response` and an `AsyncResponse` still offer after they have failed."""

    @property
    def partial(self) -> list[Message]:
        """The messages that arrived before the failure."""

    @property
    def interrupted(self) -> bool:
        """Whether the user stopped the response."""


class ModelError(Exception):
    """An expected failure, whose message is one sentence that says what to do next.

    Raise it from a model's `execute()` for missing dependencies, invalid configuration or an exhausted quota: a notebook cell
    shows the message without a traceback. The message may quote a server or a model, so control characters in it are spelled out.

    Attributes:
        response: the response that failed; None if the error arose outside a response.
        request_id: the provider's id of the request; None if the provider gave none.
        kind: what `failure_kind()` returns, where the class and the status do not tell; empty if they do.
    """

    response: FailedResponse | None = None
    request_id: str | None = None
    kind: str = ""

    def __reduce__(self) -> tuple[object, ...]:
        """Return what is pickled. The response stays in its process, with the connection and the key that it may hold."""
        kind, arguments = type(self), self.args
        return _restored, (kind, arguments, {name: value for name, value in vars(self).items() if name != "response"})

    def __str__(self) -> str:
        return terminal_safe(super().__str__())

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def failure_kind(error: BaseException | None) -> str:
    """Return the kind of a failure in one word, from which callers decide whether asking again may help.

    These are `limit` (too many requests), `quota` (the paid amount is used up), `server`, `connection`, `broken` (the answer was incomplete,
    or no answer at all), `ended` (the provider ended the answer, as its filter does), `long` (the prompt is longer than the model takes),
    `key`, `request` (the server refuses the request) and `other`.
    """
    if isinstance(error, ModelError) and error.kind:
        return error.kind
    if isinstance(error, ProviderError):
        status = error.status
        if (
            status is None
            and error.code is not None
            and error.code.isdecimal()
            and len(error.code) == _DIGITS_OF_STATUS
        ):
            # A router that has begun with 200 says inside the answer what status the provider behind it gave.
            status = int(error.code)
        if status == 429:
            return "quota" if error.code == "insufficient_quota" else "limit"
        if status in (401, 403):
            return "key"
        return "server" if status is None or status >= 500 or status in (408, 409) else "request"
    kinds = ((TransportError, "connection"), (IncompleteResponse, "broken"), (NeedsKeyException, "key"))
    return next((word for kind, word in kinds if isinstance(error, kind)), "other")


def _restored(kind: type[ModelError], arguments: tuple[object, ...], state: dict[str, object]) -> ModelError:
    """Return the error that was pickled, without calling its constructor, which may need other arguments."""
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    vars(error).update(state)
    return error


class NeedsKeyException(ModelError):
    """The model needs an API key and none was found. Nothing was sent."""


class ConversationNotSupported(ModelError, ValueError):
    """The model answers single prompts and cannot be given a history. Nothing was sent."""


class FragmentNotFound(ModelError, ValueError):
    """No loader knows a fragment reference, or its loader failed."""


class UnreadAttachment(ModelError, ValueError):
    """The model does not read what is attached. Nothing was sent.

    Attributes:
        model_id: the model.
        type: the MIME type of what is attached.
    """

    model_id: str = ""
    type: str = ""

    def __init__(self, message: str, *, model_id: str = "", type: str = "") -> None:
        super().__init__(message)
        self.model_id, self.type = model_id, type


class TemplateError(ModelError, ValueError):
    """A template does not exist, cannot be read, or lacks variables."""


class JournalError(ModelError):
    """The journal cannot be opened, read or written; the message says which file, why, and what to do."""


class TransportError(ModelError):
    """The server could not be reached, or the connection failed before an answer began."""


class ProviderError(ModelError):
    """The server answered with an error.

    Attributes:
        status: HTTP status code, or None when the error came inside a stream that began with 200.
        code: the provider's own short code or type for the error; None if it gave none.
        partial: the messages that arrived before the error. A tool call is left out.
        partial_text: the text that arrived before it.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        kind: str = "",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.code = code
        self.request_id = request_id
        self.partial: list[Message] = []
        self.partial_text = ""


class AnswerMisfit(ModelError, ValueError):
    """An answer is not the data that was asked for, such as JSON that fits a schema.

    Attributes:
        fault: what is wrong with it, without a full stop.
        text: the answer as it arrived.
        parsed: what could be read: for rows, those before the first that does not fit; for one value, that value as JSON.
        row: the number of the row that does not fit, from 0 on; None if the fault is not about a row.
    """

    def __init__(
        self, message: str, *, fault: str = "", text: str = "", parsed: object = None, row: int | None = None
    ) -> None:
        super().__init__(message)
        self.fault = fault
        self.text = text
        self.parsed = parsed
        self.row = row


class IncompleteResponse(ModelError):
    """A response ended before its terminal event. What arrived is kept here and never returned as a complete answer.

    Attributes:
        partial: the messages that arrived. A tool call that was cut short is left out.
        partial_text: the text that arrived.
    """

    def __init__(
        self, message: str, *, partial: list[Message] | None = None, partial_text: str = "", kind: str = ""
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.partial: list[Message] = partial if partial is not None else []
        self.partial_text = partial_text


class ToolArgumentError(ModelError, ValueError):
    """The arguments of a tool call cannot be used as the model wrote them.

    Attributes:
        tool_name: the tool that the model called.
        raw: the arguments as the model wrote them.
    """

    def __init__(self, message: str, *, tool_name: str = "", raw: str = "") -> None:
        super().__init__(message)
        self.tool_name = tool_name
        self.raw = raw


class Paused(Exception):
    """Base class of `PauseChain`, for code that recognizes a pause without loading the modules of chains."""


class ChainLimitReached(ValueError):
    """A chain reached its limit of responses, and the last one is not the end.

    Attributes:
        limit: how many responses it may have.
        names: the names of the tools that the last response asks for, which were not run; empty if the provider has paused in the
            middle of its own tools.
    """

    def __init__(self, limit: int, names: Sequence[str]) -> None:
        unfinished = (
            f"the model still asked for {terminal_safe(', '.join(names))}; none of these calls was run"
            if names
            else "the provider was still at work with its own tools"
        )
        super().__init__(
            f"The chain reached its limit of {limit} responses while {unfinished}. A higher chain_limit lets it go on."
        )
        self.limit = limit
        self.names = list(names)

    def __reduce__(self) -> tuple[object, ...]:
        """Return what is pickled: the arguments of the constructor."""
        return type(self), (self.limit, self.names)


class UnknownModelError(KeyError):
    """No model has this id or alias.

    Attributes:
        wanted: the name.
        close: the known names that resemble it, the closest first.
    """

    wanted: str = ""
    close: tuple[str, ...] = ()

    # KeyError shows the repr of its argument, which would put the message in quotes.
    def __str__(self) -> str:
        return terminal_safe(str(self.args[0])) if self.args else ""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]
