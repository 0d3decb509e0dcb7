"""Strict structured outputs: off unless asked for, and then in the form that OpenAI takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

import llm_notebook as llm
from llm_notebook.providers.openai.strict_schemas import strict_schema
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply

pytestmark = pytest.mark.usefixtures("own_transport")


class Inner(BaseModel):
    name: str
    size: int = 3


class Outer(BaseModel):
    inner: Inner
    more: list[Inner] = []
    either: Inner | None = None


def sent(face: Face, server: OpenAIServer, wire: str, **options: Any) -> dict[str, Any]:
    server.play(Reply.of_json({"error": "enough"}, 400))
    with pytest.raises(llm.ProviderError):
        face.text(face.of(wire, server.base_url, key="0123456789").prompt("x", schema=Outer, **options))
    body = server.requests[-1].json()
    shape: dict[str, Any] = (
        body["text"]["format"] if wire == "OpenAIResponses" else body["response_format"]["json_schema"]
    )
    assert "strict_schema" not in body
    return shape


@pytest.mark.parametrize("wire", ["OpenAIChat", "OpenAIResponses"])
def test_it_is_off_unless_asked_for(face: Face, openai_server: OpenAIServer, wire: str) -> None:
    assert "strict" not in sent(face, openai_server, wire)
    shape = sent(face, openai_server, wire, strict_schema=True)
    assert shape["strict"] is True
    for name in ("Inner", None):
        part = shape["schema"]["$defs"][name] if name else shape["schema"]
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])
    assert "default" not in json.dumps(shape)


def test_a_field_may_be_called_as_a_keyword_is() -> None:
    schema = {"type": "object", "properties": {"default": {"type": "string"}, "properties": {"type": "object"}}}
    strict = strict_schema(schema)
    assert list(strict["properties"]) == strict["required"] == ["default", "properties"]
    assert strict["properties"]["properties"]["additionalProperties"] is False
    assert "required" not in schema


def test_where_a_server_has_none_it_says_so(face: Face, openai_server: OpenAIServer) -> None:
    model = face.openai(openai_server.base_url, dialect="deepseek")
    with pytest.raises(llm.ModelError, match="leave out strict_schema"):
        face.text(model.prompt("x", schema=Outer, strict_schema=True))
    assert openai_server.requests == []
