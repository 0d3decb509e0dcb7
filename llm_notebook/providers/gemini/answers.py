"""The answers of Google Gemini's generateContent: bytes become stream items. No I/O.

Source: https://ai.google.dev/api/generate-content and https://ai.google.dev/gemini-api/docs/thought-signatures
"""

from __future__ import annotations

from typing import Any

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import ProviderError
from llm_notebook.parts.finishes import Finish, finish_of
from llm_notebook.parts.identifiers import CallIds, new_tool_call_id
from llm_notebook.parts.messages import EventType, StreamEvent, Usage, json_text
from llm_notebook.providers.gemini.argument_answers import StreamedArguments
from llm_notebook.providers.gemini.source_answers import named_sources
from llm_notebook.providers.http.answers.decoding import StreamDecoder, StreamItems, as_text, is_broken_json
from llm_notebook.providers.http.answers.listed_answers import JSONListElements
from llm_notebook.providers.http.answers.merged_answers import merge_delta, merge_fields, merge_usage
from llm_notebook.providers.http.answers.picture_answers import attachment_at, attachment_of

__all__ = ["GenerateContentDecoder"]

# Gemini itself does not send the last one, but servers that imitate it send it for tool calls.
_REGULAR_ENDS = frozenset({"STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED", "FUNCTION_CALL"})
_KNOWN = frozenset({"candidates", "promptFeedback", "usageMetadata", "modelVersion", "responseId"})
# Fields of a chunk that belong to the answer itself. All others are kept separately.
_NOT_BESIDE = ("candidates", "usageMetadata", "promptFeedback")
_SOURCES = ("groundingMetadata", "citationMetadata", "urlContextMetadata")
_IN_PIECES = ("partialArgs", "willContinue")
_SERVER_CALLS = {"executableCode": "codeExecutionResult", "toolCall": "toolResponse"}


class GenerateContentDecoder(StreamDecoder):
    """The decoder of one answer, streamed or whole. The API has no terminal event; a stream ends cleanly after a `finishReason`.

    Only the candidate with the index 0 is read, whatever else a server sends.

    Everything that has to go back to the provider with its part is kept as provider metadata under `gemini`: thought
    signatures, and the parts of the provider's own tools.

    Args:
        sender: the model's id, for error messages.
        stream: whether the request asked for a stream.
        secrets: what error messages must not show.
    """

    kind = "an answer of Gemini's"
    list_is_stream = True

    def __init__(self, sender: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS) -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._head: dict[str, Any] = {}
        self._candidate: dict[str, Any] = {}
        self._raw_usage: dict[str, Any] = {}
        self._parts: list[_Part] = []
        self._ids = CallIds()
        self._open_call: _Part | None = None
        self._blocked: str | None = None

    def decode_frame(self, name: str, frame: dict[str, Any]) -> StreamItems:
        return self.interpret(frame, self._decode_chunk, error=name == "error")

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        items = self.interpret(body, self._decode_chunk)
        if self.failure is None and not self.may_end:
            self.failure = self.not_an_answer(json_text(body))
        return items if self.failure is not None else items + self.end()

    def drain(self) -> StreamItems:
        items = super().drain()
        if isinstance(self._frames, JSONListElements) and self._frames.is_over and not self._is_known:
            self.failure = self.failure or self.not_an_answer("an empty list")
        return items

    @property
    def _is_known(self) -> bool:
        """True if any part of an answer has arrived."""
        return bool(self._head or self._candidate or self._parts or self._raw_usage or self._blocked)

    def _decode_chunk(self, event: dict[str, Any]) -> StreamItems:
        """Return the stream items of one chunk, or of a whole answer."""
        if not _KNOWN & event.keys():
            raise self.not_an_answer(json_text(event))
        merge_usage(self._raw_usage, event.get("usageMetadata") or {})
        merge_fields(self._head, event, left_out=_NOT_BESIDE)
        feedback = event.get("promptFeedback") or {}
        if reason := feedback.get("blockReason"):
            self._blocked = as_text(reason)
            self.failure = self._stop_error("the prompt was blocked", reason, feedback.get("blockReasonMessage"))
            return []
        items: StreamItems = []
        for candidate in event.get("candidates") or []:
            if not candidate.get("index"):
                items += self._decode_candidate(candidate)
                break
        return items

    def _decode_candidate(self, candidate: dict[str, Any]) -> StreamItems:
        items: StreamItems = []
        for part in (candidate.get("content") or {}).get("parts") or []:
            items += self._decode_part(part)
        merge_delta(self._candidate, {"logprobsResult": candidate.get("logprobsResult")})
        merge_fields(self._candidate, candidate, left_out=("content", "logprobsResult"))
        if items:
            self.may_end = False
        reason = candidate.get("finishReason")
        return items + self._finish(as_text(reason)) if reason else items

    def _finish(self, reason: str) -> StreamItems:
        self.may_end = reason in _REGULAR_ENDS
        if not self.may_end:
            self.failure = self._stop_error("the model stopped early", reason, self._candidate.get("finishMessage"))
        sources = {name: self._candidate[name] for name in _SOURCES if self._candidate.get(name)}
        texts = [part for part in self._parts if part.family == "text"]
        if not sources or not texts:
            return []
        event = self._make_event(texts[-1], "text", "", sources)
        event.citations = named_sources(self._candidate, "".join(texts[-1].texts)) or None
        return [event]

    def end(self) -> StreamItems:
        """End the answer. One that stopped while the arguments of a call were arriving has a `failure`: the call must not be run."""
        is_cut = self._candidate.get("finishReason") == "MAX_TOKENS" and self._has_broken_call()
        if self._open_call is not None or is_cut:
            self.failure = self.cut_off_in_call(str(self._candidate.get("finishReason")))
        self.done = self.failure is None
        return []

    def _has_broken_call(self) -> bool:
        return any(is_broken_json((part.value.get("functionCall") or {}).get("args")) for part in self._parts)

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""
        if self._blocked is not None:
            return Finish("content_filter", self._blocked)
        has_calls = any(part.family == "tool_call_name" and not part.server_executed for part in self._parts)
        said = self._candidate.get("finishReason")
        finish = finish_of(said, has_calls=has_calls)
        # An unknown reason is not a regular end.
        irregular = finish is not None and finish.reason in ("stop", "tool_calls") and said not in _REGULAR_ENDS
        return Finish("error", said) if irregular else finish

    def _stop_error(self, what: str, reason: str, explanation: object) -> ProviderError:
        said = self._secrets.scrub(f"{what} ({reason}). {explanation or ''}", otherwise=f"{what}.")
        code = self._secrets.scrub(str(reason)) or None
        return ProviderError(f"{self._sender}: {' '.join(said.split())}", code=code, kind="ended")

    def _decode_part(self, value: dict[str, Any]) -> StreamItems:
        if not isinstance(value, dict):
            raise TypeError("a part is an object")
        if "functionCall" in value:
            return self._add_call(value)
        if "text" in value:
            return self._add_text(value)
        for called, answered in _SERVER_CALLS.items():
            if called in value:
                return self._add_server_call(value, value[called])
            if answered in value:
                return [self._add_server_result(value, value[answered])]
        if "inlineData" in value or "fileData" in value:
            return self._add_file(value)
        return [self._make_event(self._start_part("text", value), "text", "", {"part": value})]

    def _add_file(self, value: dict[str, Any]) -> StreamItems:
        """Add a picture, or another file, that the model has made. A picture in its reasoning is not part of the answer."""
        part, inline = self._start_part("attachment", value), value.get("inlineData") or {}
        at = (value.get("fileData") or {}).get("fileUri")
        made = attachment_of(inline.get("data"), inline.get("mimeType")) if inline else attachment_at(at)
        if made is None or value.get("thought"):
            return []
        event = self._make_event(part, "attachment", "", _signature_of(value))
        event.attachment = made
        return [event]

    def _add_text(self, value: dict[str, Any]) -> StreamItems:
        """Add text to the part before it, or to a new part if either of them is signed: a signature covers one part only."""
        text, signature = as_text(value["text"]), value.get("thoughtSignature")
        if not text and not signature:
            return []
        family: EventType = "reasoning" if value.get("thought") else "text"
        last = self._parts[-1] if self._parts else None
        continues = last is not None and last.family == family and last.is_open and not signature
        part = last if continues and last is not None else self._start_part(family, value, is_open=not signature)
        part.texts.append(text)
        if continues and family == "text":
            return [text]
        return [self._make_event(part, family, text, _signature_of(value))]

    def _add_call(self, value: dict[str, Any]) -> StreamItems:
        """Begin a call, or continue the one whose arguments are arriving: only a part with a name begins a call."""
        call = value["functionCall"]
        pieces = call.get("partialArgs") or []
        items: StreamItems = []
        if call.get("name"):
            items += self._end_call()
            call_id = self._ids.distinct(as_text(call.get("id") or ""))
            part = self._open_call = self._start_part("tool_call_name", value, call_id)
            items.append(self._make_event(part, "tool_call_name", as_text(call["name"]), _signature_of(value)))
            args = call.get("args") or {}
            if isinstance(args, str):
                # Servers that imitate the API pass on the model's text, which may not be JSON.
                self._open_call = None
                return [*items, self._make_event(part, "tool_call_args", args)]
            part.arguments = StreamedArguments(args)
        open_call = self._open_call
        if open_call is None and pieces:
            raise KeyError("a call has a name")
        for piece in pieces:
            if open_call is not None and open_call.arguments is not None:
                open_call.arguments.add(piece)
        return items if call.get("willContinue") else items + self._end_call()

    def _end_call(self) -> StreamItems:
        """Return the arguments of the unfinished call, if there is one. They are complete at this point."""
        part, self._open_call = self._open_call, None
        if part is None or part.arguments is None:
            return []
        arguments = part.arguments.value
        call = {name: item for name, item in part.value["functionCall"].items() if name not in _IN_PIECES}
        part.value = {**part.value, "functionCall": {**call, "args": arguments}}
        return [self._make_event(part, "tool_call_args", json_text(arguments))] if arguments else []

    def _add_server_call(self, value: dict[str, Any], call: dict[str, Any]) -> StreamItems:
        given = call.get("args") if "toolCall" in value else {name: call.get(name) for name in ("language", "code")}
        call_id = as_text(call.get("id") or new_tool_call_id())
        self._ids.reserve(call_id)
        part = self._start_part("tool_call_name", value, call_id, server_executed=True)
        name = _server_tool_name(call)
        return [
            self._make_event(part, "tool_call_name", name, {"part": value}),
            self._make_event(part, "tool_call_args", json_text(given or {})),
        ]

    def _add_server_result(self, value: dict[str, Any], result: dict[str, Any]) -> StreamEvent:
        """Add a result to the call that it names, or else to the last call."""
        calls = [part.call_id for part in self._parts if part.server_executed and part.family == "tool_call_name"]
        call_id = as_text(result.get("id") or (calls[-1] if calls else new_tool_call_id()))
        part = self._start_part("tool_result", value, call_id, server_executed=True)
        response = result.get("response")
        text = str(result.get("output") or "") if response is None else json_text(response)
        if result.get("outcome") not in (None, "OUTCOME_OK"):
            text = f"{result['outcome']}\n{text}".rstrip()
        event = self._make_event(part, "tool_result", text, {"part": value})
        event.tool_name = _server_tool_name(result)
        return event

    def _start_part(
        self,
        family: EventType,
        value: dict[str, Any],
        call_id: str | None = None,
        *,
        server_executed: bool = False,
        is_open: bool = False,
    ) -> _Part:
        part = _Part(len(self._parts), family, value, call_id, server_executed=server_executed, is_open=is_open)
        self._parts.append(part)
        return part

    @staticmethod
    def _make_event(part: _Part, kind: EventType, chunk: str, kept: dict[str, Any] | None = None) -> StreamEvent:
        part.kept |= kept or {}
        return StreamEvent(
            kind,
            chunk,
            part_index=part.index,
            tool_call_id=part.call_id,
            server_executed=part.server_executed,
            provider_metadata={"gemini": dict(part.kept)} if kept else None,
        )

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        model = self._head.get("modelVersion")
        return model if isinstance(model, str) else None

    @property
    def usage(self) -> Usage:
        """The tokens used, as far as the server reported them. Reasoning counts as output, and text that server-side tools read counts as input."""
        usage = {name: value for name, value in self._raw_usage.items() if isinstance(value, int)}
        sums = []
        for names in (("promptTokenCount", "toolUsePromptTokenCount"), ("candidatesTokenCount", "thoughtsTokenCount")):
            counted = [usage[name] for name in names if name in usage]
            sums.append(sum(counted) if counted else None)
        finer = ("cachedContentTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount")
        details = {name: usage[name] for name in finer if usage.get(name)}
        return Usage(sums[0], sums[1], details or None)

    @property
    def response_json(self) -> dict[str, Any]:
        """The answer in the API's shape for answers that are not streamed; if it was not streamed, as the server sent it."""
        if self._whole_json is not None:
            return self._whole_json
        content = {"role": "model", "parts": [part.to_dict() for part in self._parts]}
        whole: dict[str, Any] = {"candidates": [{"content": content, **self._candidate}], **self._head}
        return whole | ({"usageMetadata": self._raw_usage} if self._raw_usage else {})


class _Part:
    """A part of the answer while its chunks arrive."""

    __slots__ = ("arguments", "call_id", "family", "index", "is_open", "kept", "server_executed", "texts", "value")

    def __init__(
        self,
        index: int,
        family: EventType,
        value: dict[str, Any],
        call_id: str | None,
        *,
        server_executed: bool,
        is_open: bool,
    ) -> None:
        self.index = index
        self.family = family
        self.value = value
        self.call_id = call_id
        self.server_executed = server_executed
        self.is_open = is_open
        self.arguments: StreamedArguments | None = None
        self.kept: dict[str, Any] = {}
        self.texts: list[str] = []

    def to_dict(self) -> dict[str, Any]:
        """Return the part as an answer that was not streamed would hold it."""
        return self.value | ({"text": "".join(self.texts)} if self.texts else {})


def _signature_of(value: dict[str, Any]) -> dict[str, Any] | None:
    signature = value.get("thoughtSignature")
    return {"thoughtSignature": signature} if signature else None


def _server_tool_name(value: dict[str, Any]) -> str:
    """Return the name of a server-side tool, which is its type in lower case. Only code execution has no type."""
    return str(value.get("toolType") or "code_execution").lower()
