"""Tool calls, their results, and what a hook raises to cancel a call."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.parts.messages import error_message

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment
    from llm_notebook.parts.messages import ToolCallPart
    from llm_notebook.tools.toolbox import Toolbox

__all__ = ["CancelToolCall", "RecordedException", "ToolCall", "ToolResult", "recorded_exception"]


class CancelToolCall(Exception):
    """Raise this in `before_call` to skip a call. The model reads `Cancelled: ` and the message as the call's result."""


@dataclass(slots=True)
class ToolCall:
    """A model's request to run a tool.

    Attributes:
        name: the name of the tool.
        arguments: the arguments as the model wrote them, parsed from JSON but not checked.
        tool_call_id: the id by which the result refers to the call, if there is one.
    """

    name: str
    arguments: dict[str, Any]
    tool_call_id: str | None = None

    @classmethod
    def from_part(cls, part: ToolCallPart) -> ToolCall:
        """Make a request from a message's part. The arguments are copied, and a missing id is made up."""
        call_id = part.tool_call_id
        if call_id is None:
            from llm_notebook.parts.identifiers import new_tool_call_id  # most parts have an id

            call_id = new_tool_call_id()
        return cls(part.name, _copy(part.arguments), call_id)


@dataclass(slots=True, repr=False)
class ToolResult:
    """The result of a tool call.

    Attributes:
        name: the name of the tool.
        output: the text that the model reads.
        attachments: the attachments that are sent with the text.
        tool_call_id: the id of the call.
        instance: the Toolbox that the tool belongs to, if any.
        exception: the exception that the tool raised, if any.
    """

    name: str
    output: str
    attachments: list[Attachment] = field(default_factory=list)
    tool_call_id: str | None = None
    instance: Toolbox | None = None
    exception: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a pickle. The Toolbox stays in its process, and an exception that cannot be pickled becomes its message."""
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return state | {"instance": None, "exception": _portable(self.exception)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what `__getstate__()` returned."""
        for name, value in state.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        """Return the usual representation without the fields that are empty."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return (
            f"ToolResult({', '.join(f'{name}={value!r}' for name, value in given.items() if value not in (None, []))})"
        )


class RecordedException(Exception):
    """An exception of a tool that was read from a record, which holds only its class name and message.

    Each is an instance of a subclass that has the name of the original class; `recorded_exception()` makes it.
    """

    def __reduce__(self) -> tuple[object, ...]:
        """Return what a pickle is made from."""
        return recorded_exception, (type(self).__name__, str(self))


def recorded_exception(kind: str, message: str) -> RecordedException:
    """Return an exception that looks like one of a class with this name."""
    made: RecordedException = type(kind, (RecordedException,), {})(message)
    return made


def _portable(error: BaseException | None) -> BaseException | None:
    if error is None:
        return None
    import pickle  # only results that are sent to other processes need it

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  the pickle was made right here
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error_message(error)}")
    return error


def _copy(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return copy.deepcopy(arguments)
    except RecursionError:
        # Copying in Python takes several frames for each level, and models can nest deeper than that. JSON is copied in C.
        return cast("dict[str, Any]", json.loads(json.dumps(arguments)))
