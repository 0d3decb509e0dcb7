"""The sources that a provider names are `citations` of the text, whatever the provider calls them."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook import Citation
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, delta_chunk, sse
from tests.providers.test_made_pictures import events, gemini

URL = "https://example.com/a"
OTHER = "https://example.com/b"
pytestmark = pytest.mark.usefixtures("own_transport")

ANNOTATION = {"type": "url_citation", "url": URL, "title": "A", "start_index": 0, "end_index": 4}
NESTED = {
    "type": "url_citation",
    "url_citation": {"url": URL, "title": "A", "content": "said", "start_index": 0, "end_index": 4},
}
OUTPUT = {"type": "output_text", "text": "It is so.", "annotations": [ANNOTATION]}
MESSAGE = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [OUTPUT, OUTPUT]}
RESPONSE = {"id": "r", "status": "completed", "model": "m", "output": [MESSAGE]}
GROUNDING = {
    "groundingMetadata": {
        "groundingChunks": [{"web": {"uri": URL, "title": "A"}}, {"web": {"uri": OTHER}}],
        # Places are bytes: each ü has two.
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 4}, "groundingChunkIndices": [0, 7]}],
    },
    "urlContextMetadata": {
        "urlMetadata": [
            {"retrievedUrl": URL, "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
            {"retrievedUrl": "https://example.com/c", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"},
        ]
    },
}
CITED = {"type": "web_search_result_location", "url": URL, "title": "A", "cited_text": "said", "encrypted_index": "x"}
BLOCK = {"type": "text", "text": "It is so.", "citations": [CITED]}
REFERRED = [
    {"type": "text", "text": "It is"},
    {"type": "tool_reference", "tool": "web_search", "url": URL, "title": "A", "description": "said"},
    {"type": "text", "text": " so."},
    {"type": "reference", "reference_ids": [7]},
]
CASES: dict[str, tuple[str, list[Reply], list[Citation]]] = {
    "OpenAI's Responses": (
        "OpenAIResponses",
        [events({"type": "response.completed", "response": RESPONSE}), Reply.of_json(RESPONSE)],
        [Citation(URL, "A", None, 0, 4), Citation(URL, "A", None, 9, 13)],
    ),
    "OpenRouter": (
        "OpenAIChat",
        [
            Reply([sse(delta_chunk({"content": "It is so."}), delta_chunk({"annotations": [NESTED]}, "stop"))]),
            Reply.of_json({"choices": [{"message": {"content": "It is so.", "annotations": [NESTED]}}]}),
        ],
        [Citation(URL, "A", "said", 0, 4)],
    ),
    "Perplexity": (
        "OpenAIChat",
        [
            Reply(
                [
                    sse(
                        delta_chunk({"content": "It is so.[1]"}) | {"citations": [URL]},
                        delta_chunk({}, "stop") | {"citations": [URL], "search_results": [{"url": URL, "title": "A"}]},
                    )
                ]
            ),
            Reply.of_json(
                {"choices": [{"message": {"content": "It is so."}}], "search_results": [{"url": URL, "title": "A"}]}
            ),
        ],
        [Citation(URL, "A")],
    ),
    "xAI": (
        "OpenAIChat",
        [Reply([sse(delta_chunk({"content": "It is so."}), delta_chunk({}, "stop") | {"citations": [URL, OTHER]})])],
        [Citation(URL), Citation(OTHER)],
    ),
    "Groq": (
        "OpenAIChat",
        [
            Reply.of_json(
                {
                    "choices": [
                        {
                            "message": {
                                "content": "It is so.",
                                "executed_tools": [{"search_results": {"results": [{"url": URL, "title": "A"}]}}],
                            }
                        }
                    ]
                }
            )
        ],
        [Citation(URL, "A")],
    ),
    "Mistral": (
        "OpenAIChat",
        [
            Reply([sse(*(delta_chunk({"content": [chunk]}) for chunk in REFERRED), delta_chunk({}, "stop"))]),
            Reply.of_json({"choices": [{"message": {"content": REFERRED}, "finish_reason": "stop"}]}),
        ],
        [Citation(URL, "A", "said", None, 5), Citation(None, "reference 7", None, None, 9)],
    ),
    "Google": (
        "GeminiModel",
        [
            Reply([sse(gemini({"text": "üü is"}), gemini({"text": " so."}, **GROUNDING), done=False)]),
            Reply.of_json(gemini({"text": "üü is so."}, **GROUNDING)),
        ],
        [Citation(URL, "A", None, 0, 2), Citation(OTHER)],
    ),
    "Anthropic": (
        "AnthropicMessages",
        [
            events(
                {"type": "message_start", "message": {"id": "m", "content": []}},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "citations_delta", "citation": CITED}},
                {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "It is so."}},
                {"type": "content_block_stop", "index": 0},
                {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
                {"type": "message_stop"},
            ),
            Reply.of_json({"id": "m", "content": [BLOCK], "stop_reason": "end_turn"}),
        ],
        [Citation(URL, "A", "said", 0, 9)],
    ),
}


@pytest.mark.parametrize(
    ("wire", "reply", "expected"),
    [
        pytest.param(wire, reply, expected, id=f"{name} {number}")
        for name, (wire, replies, expected) in CASES.items()
        for number, reply in enumerate(replies)
    ],
)
def test_sources_are_citations_of_the_text(
    face: Face, openai_server: OpenAIServer, wire: str, reply: Reply, expected: list[Citation]
) -> None:
    openai_server.play(reply)
    streamed = reply.content_type == "text/event-stream"
    response = face.of(wire, openai_server.base_url, key="0123456789").prompt("x", stream=streamed)
    said = face.text(response)
    [message] = face.do(response.messages())
    [text] = message.parts
    assert isinstance(text, llm.TextPart)
    assert text.text == said
    assert text.citations == expected
    assert llm.Message.from_dict(json.loads(json.dumps(message.to_dict()))) == message


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ({"0": {"url": URL, "title": "A"}, "x": 5}, Citation(URL, "A", None, None, 5)),
        ({"0": "text"}, Citation(None, "reference 0", None, None, 5)),
        ([], Citation(None, "reference 0", None, None, 5)),
    ],
)
def test_numbers_refer_to_the_documents_that_a_tool_gave(
    face: Face, openai_server: OpenAIServer, documents: Any, expected: Citation
) -> None:
    content = [{"type": "text", "text": "It is"}, {"type": "reference", "reference_ids": [0]}]
    openai_server.play(Reply.of_json({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}))
    history = [
        llm.user("x"),
        llm.assistant(llm.ToolCallPart("search", {}, "a")),
        llm.tool_message(llm.ToolResultPart("search", json.dumps(documents), "a")),
    ]
    response = face.openai(openai_server.base_url, dialect="mistral").prompt(messages=history, stream=False)
    assert face.text(response) == "It is"
    [message] = face.do(response.messages())
    assert message.parts == [llm.TextPart("It is", citations=[expected])]


@pytest.mark.parametrize(
    "odd",
    [
        {"citations": "x", "search_results": 5},
        {"citations": [None, 5, {}], "search_results": [5, {"url": 5}]},
        {"citations": [[URL]]},
    ],
)
def test_odd_sources_are_left_out(face: Face, openai_server: OpenAIServer, odd: dict[str, Any]) -> None:
    message = {"content": "ok", "annotations": [5, {}, {"type": "url_citation", "url": 5}], "executed_tools": [{}, 5]}
    openai_server.play(Reply.of_json({"choices": [{"message": message, "finish_reason": "stop"}], **odd}))
    response = face.openai(openai_server.base_url).prompt("x", stream=False)
    assert face.text(response) == "ok"
    assert face.do(response.messages()) == [llm.assistant("ok")]
