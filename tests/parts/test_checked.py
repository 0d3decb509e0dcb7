"""What `from_dict()` is given may come from anywhere: whatever is missing or wrong in it is told in one sentence."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook import Attachment, Model, Response
from llm_notebook.approvals.requests import ApprovalRequest, Decision
from llm_notebook.parts.citations import Citation
from llm_notebook.parts.messages import Message, Part
from llm_notebook.parts.sent import Sent

RESPONSE = {"model": "m", "prompt": {"messages": []}, "messages": []}
QUESTION = {"tool_name": "erase", "arguments": {}, "tool_call_id": "1", "reason": "", "digest": "d"}
WRONG: list[tuple[Any, Any, str]] = [
    (Message, {}, "The dict of a message lacks 'role', which is text."),
    (Message, None, "from_dict() takes the dict of a message, as to_dict() gives it, not None."),
    (Message, {"role": 1}, "In the dict of a message, 'role' is text, not of type int."),
    (Message, {"role": "user", "parts": "abc"}, "In the dict of a message, 'parts' is a list, not of type str."),
    (Part, {}, "The dict of a part lacks 'type', which is text."),
    (Part, {"type": "text", "text": 5}, "In the dict of a part, 'text' is text, not of type int."),
    (Part, {"type": "text", "citations": [1]}, "from_dict() takes the dict of a citation"),
    (
        Part,
        {"type": "attachment", "attachment": {"content": "abc"}},
        "The content in the dict of an attachment is no base64.",
    ),
    (Attachment, [], "from_dict() takes the dict of an attachment"),
    (Citation, {"start": True}, "In the dict of a citation, 'start' is a whole number, not of type bool."),
    (Sent, {}, "The dict of what was sent lacks 'name', which is text."),
    (Decision, {"verdict": "approved"}, "The dict of a decision lacks 'digest', which is text."),
    (Decision, {"verdict": "?", "digest": "d"}, "In the dict of a decision, 'verdict' is one of approved, denied,"),
    (ApprovalRequest, {}, "The dict of a question lacks 'tool_name', which is text."),
    (ApprovalRequest, QUESTION | {"facts": []}, "In the dict of a question, 'facts' is a dict, not of type list."),
    (Response, {}, "The dict of a response lacks"),
    (Response, RESPONSE | {"prompt": {}}, "The dict of a prompt lacks 'messages', which is a list."),
    (
        Response,
        RESPONSE | {"usage": {"input": "x"}},
        "In the dict of a usage, 'input' is a whole number, not of type str.",
    ),
    (
        Response,
        RESPONSE | {"datetime_utc": "never"},
        "In the dict of a response, 'datetime_utc' is a time as ISO 8601.",
    ),
]


class _Silent(Model):
    """A model that responses are restored with, and that is never asked."""

    model_id = "m"

    def execute(self, *_: object) -> Any:
        raise AssertionError


def _read(kind: Any, data: Any) -> Any:
    return Response.from_dict(data, model=_Silent()) if kind is Response else kind.from_dict(data)


@pytest.mark.parametrize(("kind", "data", "said"), WRONG)
def test_what_is_wrong_is_told(kind: Any, data: Any, said: str) -> None:
    with pytest.raises(ValueError, match="dict") as raised:
        _read(kind, data)
    assert str(raised.value).startswith(said)


def test_what_a_newer_version_adds_is_left_out() -> None:
    assert Decision.from_dict({"verdict": "denied", "digest": "d", "new": 1}) == Decision("denied", "d")
    assert ApprovalRequest.from_dict(QUESTION | {"new": 1}) == ApprovalRequest(**QUESTION)  # type: ignore[arg-type]
    usage = Response.from_dict(RESPONSE | {"usage": {"input": 1, "new": 2}}, model=_Silent()).usage()  # type: ignore[arg-type]
    assert usage.input == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "type",
                        "role",
                        "parts",
                        "text",
                        "attachment",
                        "citations",
                        "messages",
                        "prompt",
                        "usage",
                        "verdict",
                        "digest",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_nothing_but_a_sentence_comes_of_any_json(data: Any) -> None:
    for kind in (Message, Part, Attachment, Citation, Decision, ApprovalRequest, Response):
        with suppress(ValueError):
            _read(kind, data)
