"""The answers of Responses: they decode to the same however their bytes are split, and a cut answer never passes for a complete one."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.openai.responses_answers import ResponsesDecoder
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply
from tests.fakes.responses import (
    call_item,
    failed,
    finished,
    item_events,
    message_item,
    reasoning_item,
    started,
    stream_of,
    text_events,
)
from tests.providers.outcomes import outcome, parts_of

SEARCH = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "pelicans", "sources": [{"type": "url", "url": "https://a.example"}]},
}
CODE = {
    "type": "code_interpreter_call",
    "id": "ci_1",
    "status": "completed",
    "container_id": "cntr_1",
    "code": "6*7",
    "outputs": [{"type": "logs", "logs": "42"}],
}
NOTE = {"type": "url_citation", "url": "https://a.example", "title": "A", "start_index": 0, "end_index": 4}

TRANSCRIPTS = {
    "text": stream_of(
        started(), *text_events(0, "Fünf ", "🦤s\n", '"quoted"'), finished(message_item('Fünf 🦤s\n"quoted"'))
    ),
    "reasoning, then a call": stream_of(
        started(),
        *item_events(0, reasoning_item("First.", "Then."), encrypted=True),
        *item_events(1, call_item("call_a", "weather", '{"city": "Zürich"}')),
        *item_events(2, call_item("call_b", "time", "{}")),
        finished(
            reasoning_item("First.", "Then."),
            call_item("call_a", "weather", '{"city": "Zürich"}'),
            call_item("call_b", "time", "{}"),
        ),
    ),
    "encrypted reasoning alone": stream_of(
        started(),
        *item_events(0, reasoning_item()),
        *text_events(1, "4"),
        finished(reasoning_item(), message_item("4")),
    ),
    "the provider's own tools": stream_of(
        started(),
        *item_events(0, SEARCH),
        *item_events(1, CODE),
        *text_events(2, "Here", notes=[NOTE]),
        finished(SEARCH, CODE, message_item("Here", notes=[NOTE])),
    ),
    "all of it at the end": stream_of(
        started(), finished(reasoning_item("Hm."), message_item("4"), call_item("call_a", "f", '{"x":1}'))
    ),
    "no output indices": stream_of(
        *(
            {name: value for name, value in event.items() if name != "output_index"}
            for event in (*text_events(0, "a", "b"), *item_events(1, call_item("call_a", "f", '{"x":1}')))
        ),
        finished(message_item("ab"), call_item("call_a", "f", '{"x":1}')),
    ),
    "crlf": stream_of(started(), *text_events(0, "a", "b"), finished(message_item("ab"))).replace(b"\n", b"\r\n"),
    "failed": stream_of(started(), *text_events(0, "Hello", end=False), failed("server_error", "Overloaded")),
    "error event": stream_of(
        started(),
        *text_events(0, "Hello", end=False),
        {"type": "error", "code": "rate_limit_exceeded", "message": "Overloaded", "param": None, "sequence_number": 9},
    ),
    "nested error": stream_of(started(), *text_events(0, "Hello", end=False), {"error": {"message": "Overloaded"}}),
}
BROKEN = ("failed", "error event", "nested error")
COMPLETE = [name for name in TRANSCRIPTS if name not in BROKEN]


def decoder(stream: bool = True) -> ResponsesDecoder:
    return ResponsesDecoder("gpt-test", stream=stream)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_any_split_gives_the_same_as_the_whole(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    whole = outcome(decoder(), transcript)
    assert whole["parts"]
    for cut in range(len(transcript)):
        assert outcome(decoder(), transcript[:cut], transcript[cut:]) == whole
    assert outcome(decoder(), *(transcript[at : at + 1] for at in range(len(transcript)))) == whole


@pytest.mark.parametrize("name", COMPLETE)
def test_a_cut_at_any_byte_never_passes_for_complete(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    end = len(transcript.rstrip())
    for cut in range(1, end):
        found = decoder()
        found.feed(transcript[:cut])
        with pytest.raises(llm.IncompleteResponse, match=r"^gpt-test: the stream broke off before its end"):
            found.close()
    assert outcome(decoder(), transcript[:end]) == outcome(decoder(), transcript)


def test_a_cut_answer_raises_with_the_part_that_arrived_and_no_call_surfaces(
    face: Face, openai_server: OpenAIServer
) -> None:
    transcript = stream_of(
        started(),
        *text_events(0, "I look. ", "Wait. 🦤"),
        *item_events(1, call_item("call_a", "delete", '{"path": "/tmp"}')),
        finished(message_item("I look. Wait. 🦤"), call_item("call_a", "delete", '{"path": "/tmp"}')),
    )
    model = face.of("OpenAIResponses", openai_server.base_url)
    cuts = [*range(0, len(transcript) - 2, 211), len(transcript.rstrip()) - 1]
    for ends in ([], [Cut()]):
        for cut in cuts:
            openai_server.play(Reply([transcript[:cut], *ends] if cut else ends))
            response = model.prompt("Go")
            with pytest.raises(llm.IncompleteResponse) as caught:
                face.text(response)
            assert "I look. Wait. 🦤".startswith(caught.value.partial_text)
            assert not [part for message in response.partial for part in message.parts if "Call" in type(part).__name__]
            with pytest.raises(llm.IncompleteResponse):
                face.do(response.tool_calls())
    assert len(openai_server.requests) == 2 * len(cuts)


def test_text_usage_model_and_json() -> None:
    seen = outcome(decoder(), TRANSCRIPTS["text"])
    assert [(part["type"], part["text"]) for part in seen["parts"]] == [("text", 'Fünf 🦤s\n"quoted"')]
    assert seen["usage"] == llm.Usage(9, 5, {"output_tokens_details": {"reasoning_tokens": 2}})
    assert seen["model"] == "gpt-5-mini-2025-08-07"
    assert seen["json"]["output"] == [message_item('Fünf 🦤s\n"quoted"')]
    assert seen["json"]["status"] == "completed"


def test_reasoning_is_told_in_summary_and_kept_as_it_was_encrypted() -> None:
    reasoning, first, second = parts_of(decoder(), TRANSCRIPTS["reasoning, then a call"])
    assert reasoning["text"] == "First.\n\nThen."
    item = reasoning["provider_metadata"]["openai"]["item"]
    assert item == {name: value for name, value in reasoning_item("First.", "Then.").items() if name != "status"}
    assert item["encrypted_content"] == "gAAAAABnb3Bl"
    assert (first["name"], first["arguments"], first["tool_call_id"]) == ("weather", {"city": "Zürich"}, "call_a")
    assert (second["name"], second["arguments"], second["tool_call_id"]) == ("time", {}, "call_b")


def test_reasoning_that_is_only_encrypted_stays_before_the_answer() -> None:
    kinds = [part["type"] for part in parts_of(decoder(), TRANSCRIPTS["encrypted reasoning alone"])]
    assert kinds == ["reasoning", "text"]


def test_the_providers_own_tools_are_calls_that_were_run_there() -> None:
    search, found, code, printed, text = parts_of(decoder(), TRANSCRIPTS["the provider's own tools"])
    assert (search["name"], search["server_executed"]) == ("web_search", True)
    assert search["arguments"]["query"] == "pelicans"
    assert found["tool_call_id"] == search["tool_call_id"]
    assert (code["name"], code["arguments"]) == ("code_interpreter", {"code": "6*7"})
    assert json.loads(printed["output"]) == [{"type": "logs", "logs": "42"}]
    assert text["provider_metadata"]["openai"]["annotations"] == [NOTE]


def test_what_only_the_last_event_tells_is_told_too() -> None:
    reasoning, text, call = parts_of(decoder(), TRANSCRIPTS["all of it at the end"])
    assert (reasoning["text"], text["text"], call["arguments"]) == ("Hm.", "4", {"x": 1})
    assert [part.get("text") for part in parts_of(decoder(), TRANSCRIPTS["no output indices"])] == ["ab", None]


@pytest.mark.parametrize("name", COMPLETE)
def test_a_whole_answer_says_what_the_streamed_one_says(name: str) -> None:
    streamed = outcome(decoder(), TRANSCRIPTS[name])
    body = json.dumps(streamed["json"]).encode()
    assert outcome(decoder(stream=False), body) == streamed
    for cut in range(len(body)):
        found = decoder(stream=False)
        found.feed(body[:cut])
        with pytest.raises(llm.IncompleteResponse):
            found.close()


@pytest.mark.parametrize("name", BROKEN)
def test_an_error_in_the_stream_is_raised_after_the_items_before_it(
    name: str, face: Face, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply([TRANSCRIPTS[name]], headers={"x-request-id": "req_7"}))
    response = face.of("OpenAIResponses", openai_server.base_url).prompt("Hi")
    chunks = []
    with pytest.raises(llm.ProviderError, match="Overloaded") as caught:
        for chunk in face.chunks(response):
            chunks.append(chunk)
    assert chunks == ["Hello"]
    assert caught.value.request_id == "req_7"


@pytest.mark.parametrize("arguments", ["", '{"path": "/ho'])
@pytest.mark.parametrize("ended", [True, False])
def test_a_call_cut_short_by_the_token_limit_never_surfaces(arguments: str, ended: bool) -> None:
    item = call_item("call_a", "delete", arguments, status="incomplete")
    events = item_events(0, item) if ended else item_events(0, item)[:-1]
    limited = finished(*([item] if ended else []), incomplete="max_output_tokens")
    found = outcome(decoder(), stream_of(started(), *events, limited))
    assert found["error"] is not None
    assert found["error"][0] == "IncompleteResponse"
    assert "raise max_tokens" in found["error"][1]


def test_text_cut_short_by_the_token_limit_is_an_answer() -> None:
    limited = finished(message_item("Once upon"), incomplete="max_output_tokens")
    [part] = parts_of(decoder(), stream_of(started(), *text_events(0, "Once ", "upon", end=False), limited))
    assert part["text"] == "Once upon"


def test_a_refusal_is_the_answer() -> None:
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": message_item("") | {"content": []}},
        {"type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "I cannot help."},
    ]
    refused = message_item("") | {"content": [{"type": "refusal", "refusal": "I cannot help."}]}
    [part] = parts_of(decoder(), stream_of(started(), *events, finished(refused)))
    assert part["text"] == "I cannot help."


@pytest.mark.parametrize(
    "body",
    [
        b"data: <html>\n\n",
        b"data: [1]\n\n",
        b'data: {"no": "type"}\n\n',
        b'data: {"type": "response.output_text.delta", "output_index": 0, "delta": 5}\n\n',
        b'data: {"type": "response.output_item.added", "output_index": 0, "item": "x"}\n\n',
        b'data: {"type": "response.completed", "response": []}\n\n',
        b"Welcome",
    ],
)
def test_what_is_no_response_is_said_in_one_sentence(body: bytes) -> None:
    error = outcome(decoder(), body)["error"]
    assert error is not None
    assert error[0] == "ProviderError"
    assert "not a response" in error[1]
    assert "\n" not in error[1]


@pytest.mark.parametrize("body", [{"output": "x"}, {"id": "resp_1"}, {"choices": []}])
def test_a_whole_body_that_is_no_response_is_said_to_be_none(body: Any) -> None:
    error = outcome(decoder(stream=False), json.dumps(body).encode())["error"]
    assert error is not None
    assert "not a response" in error[1]
