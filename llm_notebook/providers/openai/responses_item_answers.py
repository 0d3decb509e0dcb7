"""Assembles the output items of OpenAI Responses, and finds the item to which each event belongs. No I/O.

OpenAI's own stream numbers the items (`output_index`) and gives them ids. Servers that imitate it leave out one or the other, give all items
the same, or change them with every event. So an item begins only when it is announced, and an event belongs to the item that most of its clues
indicate, among the items of a suitable kind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic_core import from_json

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.citations import Citation
from llm_notebook.parts.identifiers import CallIds
from llm_notebook.parts.messages import EventType, StreamEvent, json_text
from llm_notebook.providers.http.answers.decoding import StreamItems, as_text, is_json
from llm_notebook.providers.http.answers.picture_answers import attachment_of
from llm_notebook.providers.openai.responses_requests import METADATA
from llm_notebook.providers.openai.source_answers import annotated_sources

__all__ = ["OutputItem", "OutputItems"]

# The fields of a call of the provider's own tool that are not its arguments: its result, and bookkeeping.
_OUTCOMES = frozenset({"outputs", "results", "output", "result", "error", "tools"})
_BOOKKEEPING = frozenset({"id", "type", "status", "call_id", "name", "server_label", "container_id"})


class OutputItems:
    """The output items of one answer.

    Args:
        origin: the server and the model, with which the items are marked; empty leaves them unmarked.

    Attributes:
        items: the items that have begun, in order.
        call_ids: gives each of their calls a unique id.
    """

    __slots__ = ("_open", "_origin", "call_ids", "items")

    def __init__(self, origin: str = "") -> None:
        self._origin = origin
        self.items: list[OutputItem] = []
        self.call_ids = CallIds()
        # Few items are open at a time, although an answer may have thousands.
        self._open: list[OutputItem] = []

    def _open_items(self) -> list[OutputItem]:
        """Return the unfinished items, in order."""
        if any(item.over for item in self._open):
            self._open = [item for item in self._open if not item.over]
        return self._open

    def continued(self, event: dict[str, Any], kind: str) -> OutputItem:
        """Return the item that a delta continues. If it was not announced, it is created and waits for its announcement.

        Args:
            event: the event with the delta.
            kind: the type of items that it can belong to.
        """
        index, item_id = event.get("output_index"), event.get("item_id")
        found = [item for item in self._open_items() if item.kind == kind]
        if (item := _addressed(found, index, item_id) or (found[-1] if found else None)) is not None:
            return item
        item = self._made(index, item_id)
        item.kind = kind
        return item

    def announced(self, event: dict[str, Any]) -> OutputItem:
        """Return the item that an announcement is about: a new one, unless its deltas came first or it is announced again."""
        index, given = event.get("output_index"), event["item"]
        unannounced = [item for item in self._open_items() if not item.is_announced and item.kind == given["type"]]
        if (item := _addressed(unannounced, index, given.get("id"))) is not None:
            return item
        again = [item for item in self._open_items() if item.is_as(given) and item.given_index == index]
        return again[-1] if again else self._made(index, given.get("id"))

    def ended(self, event: dict[str, Any]) -> OutputItem:
        """Return the item whose end is announced, which may be its first announcement."""
        index, given = event.get("output_index"), event["item"]
        kind = as_text(given["type"])
        found = [item for item in self._open_items() if item.kind == kind and item.may_be(given)]
        item = _addressed(found, index, given.get("id"))
        return item or (found[-1] if found else self._made(index, given.get("id")))

    def in_output(self, output: list[dict[str, Any]]) -> Iterator[tuple[OutputItem, dict[str, Any]]]:
        """Yield each item of the output at the end of the answer, with its JSON; items that were not sent before are created.

        Args:
            output: the whole items.
        """
        unclaimed = dict.fromkeys(self.items)
        addressed: defaultdict[str, list[OutputItem]] = defaultdict(list)
        for item in self.items:
            for address in _addresses(item.given_index, item.given_id):
                addressed[address].append(item)
        for position, given in enumerate(output):
            kind = as_text(given["type"])

            def fits(item: OutputItem, given: dict[str, Any] = given, kind: str = kind) -> bool:
                return item in unclaimed and item.kind == kind and item.may_be(given)

            near = {item for address in _addresses(position, given.get("id")) for item in addressed.get(address, ())}
            by_sign = _addressed(sorted(filter(fits, near), key=lambda item: item.index), position, given.get("id"))
            item = by_sign or next(filter(fits, unclaimed), None) or self._made(position, given.get("id"))
            unclaimed.pop(item, None)
            yield item, given

    def _made(self, index: object, item_id: object) -> OutputItem:
        item = OutputItem(len(self.items), index, item_id, self._origin)
        self.items.append(item)
        self._open.append(item)
        return item


def _addresses(index: object, item_id: object) -> Iterator[str]:
    """Yield keys for the index and the id of an item, by which it may be looked up. A server may send any value for them."""
    if index is not None:
        yield f"index {json_text(index)}"
    if item_id:
        yield f"id {json_text(item_id)}"


def _addressed(items: Iterable[OutputItem], index: object, item_id: object) -> OutputItem | None:
    """Return the item that has this index and id, or else the only one with the id, or else the latest one with the index."""
    by_index = [item for item in items if index is not None and item.given_index == index]
    by_id = [item for item in items if item_id and item.given_id == item_id]
    both = [item for item in by_index if item in by_id]
    if both or len(by_id) == 1:
        return (both or by_id)[-1]
    return by_index[-1] if by_index else None


class OutputItem:
    """One output item while it arrives: a message, reasoning, a call, or a call that the provider runs itself.

    Attributes:
        index: its place among the items, which is the `part_index` of its events.
        given_index: the index that the server gave it.
        given_id: the id that the server gave it.
        kind: its type in the API; empty before that is known.
        call_id: the id of a call.
        given_call_id: the id that the server gave the call.
        name: the name of a call of one of our tools.
        is_announced: whether the server has said what the item is.
        named: whether the name of a call was delivered.
        pieces: the text, reasoning or arguments delivered so far.
        section: the latest section of the reasoning.
        refused: whether the message declines to answer.
        over: whether the item is complete, so that nothing more is delivered.
        whole: the item as the server sent it at its end; None before that.
    """

    __slots__ = (
        "_origin",
        "call_id",
        "given_call_id",
        "given_id",
        "given_index",
        "index",
        "is_announced",
        "kind",
        "name",
        "named",
        "over",
        "pieces",
        "refused",
        "section",
        "whole",
    )

    def __init__(self, index: int, given_index: object, given_id: object, origin: str = "") -> None:
        self.index = index
        self._origin = origin
        self.given_index = given_index
        self.given_id = given_id
        self.kind = ""
        self.is_announced = False
        self.call_id: str | None = None
        self.given_call_id: object = None
        self.name = ""
        self.refused = False
        self.whole: dict[str, Any] | None = None
        self.named = False
        self.pieces: list[str] = []
        self.section: tuple[object, object] = (None, None)
        self.over = False

    def event(self, kind: EventType, chunk: str, **more: Any) -> StreamEvent:
        """Return a stream event of this item."""
        if kind.startswith("tool"):
            more["tool_call_id"] = self.call_id
        if self._origin and more.get("provider_metadata"):
            more["provider_metadata"] = {METADATA: {**more["provider_metadata"][METADATA], "origin": self._origin}}
        return StreamEvent(kind, chunk, part_index=self.index, **more)

    def is_named_by(self, event: dict[str, Any]) -> bool:
        """Return True if a delta gives the index and the id of this item."""
        return event.get("output_index") == self.given_index and event.get("item_id") == self.given_id

    @property
    def by_provider(self) -> bool:
        """True for a call of a tool that the provider runs itself."""
        return self.kind not in ("", "message", "reasoning", "function_call")

    def is_as(self, given: dict[str, Any]) -> bool:
        """Return True if an announcement repeats the item's own."""
        told = (given.get("type"), given.get("id"), given.get("call_id"), given.get("name") or "")
        return bool(given.get("id")) and told == (self.kind, self.given_id, self.given_call_id, self.name)

    def may_be(self, given: dict[str, Any]) -> bool:
        """Return True unless a complete item is certainly another one: a call with another id, or with another name or arguments."""
        if self.kind != "function_call" or not self.named:
            return True
        if given.get("call_id") and given["call_id"] == self.given_call_id:
            return given.get("name") == self.name
        both_have = bool(given.get("call_id") and self.given_call_id)
        same = given.get("name") == self.name and (given.get("arguments") or "") == "".join(self.pieces)
        return same if both_have else given.get("name") == self.name

    def add_arguments(self, text: str) -> StreamItems:
        """Add a piece of the arguments of a call. Nothing is delivered before the call has a name."""
        self.pieces.append(text)
        return [self.event("tool_call_args", text)] if self.named else []

    def begin(self, given: dict[str, Any], ids: CallIds) -> StreamItems:
        """Begin the item, and return what is known at this point: the name of a call.

        Args:
            given: the item as the server sent it.
            ids: gives the calls of the answer their ids.
        """
        self.kind = as_text(given["type"])
        self.is_announced = True
        self.given_id = self.given_id or given.get("id")
        if self.named or self.kind in ("message", "reasoning"):
            return []
        self.named = True
        self.given_call_id, self.name = given.get("call_id"), given.get("name") or ""
        call_id = given.get("call_id") or given.get("id")
        self.call_id = ids.distinct(call_id if isinstance(call_id, str) else "")
        if not self.by_provider:
            kept = {"provider_metadata": {METADATA: {"id": given["id"]}}} if given.get("id") else {}
            begun: StreamItems = [self.event("tool_call_name", as_text(given["name"]), **kept)]
            early = "".join(self.pieces)
            return [*begun, self.event("tool_call_args", early)] if early else begun
        return [self.event("tool_call_name", self._tool_name(given), server_executed=True)]

    def end(self, given: dict[str, Any], ids: CallIds) -> StreamItems:
        """End the item, and return what was not delivered before.

        Args:
            given: the whole item as the server sent it.
            ids: gives the calls of the answer their ids.
        """
        items = self.begin(given, ids)
        self.whole = given
        self.over = given.get("status") != "incomplete" or self.kind in ("message", "reasoning")
        if self.kind == "message":
            return items + self._end_message(given)
        if self.kind == "reasoning":
            return items + self._end_reasoning(given)
        if self.kind == "function_call":
            arguments = as_text(given.get("arguments") or "")
            return items + ([self.event("tool_call_args", rest)] if (rest := self._take_rest(arguments)) else [])
        return items + self._end_provider_call(given)

    def _take_rest(self, whole: str) -> str:
        """Return the rest of a text whose beginning was delivered; empty if a different text was delivered."""
        sent = "".join(self.pieces)
        rest = whole[len(sent) :] if whole.startswith(sent) else ""
        self.pieces.append(rest)
        return rest

    def _end_message(self, given: dict[str, Any]) -> StreamItems:
        blocks = [block for block in given.get("content") or [] if isinstance(block, dict)]
        self.refused = self.refused or any(block.get("type") == "refusal" for block in blocks)
        text = self._take_rest("".join(as_text(block.get("text") or block.get("refusal") or "") for block in blocks))
        kept = {name: given[name] for name in ("id", "phase") if given.get(name)}
        annotations = [note for block in blocks for note in block.get("annotations") or []]
        kept |= {"annotations": annotations} if annotations else {}
        sources: list[Citation] = []
        before = 0
        for block in blocks:
            sources += annotated_sources(block.get("annotations") or [], before)
            before += len(block.get("text") or block.get("refusal") or "")
        if not (text or (kept and self.pieces and any(self.pieces))):
            return []
        metadata = {METADATA: kept} if kept else None
        return [self.event("text", text, provider_metadata=metadata, citations=sources or None)]

    def _end_reasoning(self, given: dict[str, Any]) -> StreamItems:
        sections = [*(given.get("summary") or []), *(given.get("content") or [])]
        whole = "\n\n".join(as_text(section.get("text") or "") for section in sections if isinstance(section, dict))
        text = whole if not self.pieces else ""
        self.pieces.append(text)
        item = {name: value for name, value in given.items() if value is not None and name != "status"}
        kept = {METADATA: {"item": item}} if given.get("encrypted_content") else None
        return [self.event("reasoning", text, provider_metadata=kept)] if text or kept else []

    def _end_provider_call(self, given: dict[str, Any]) -> StreamItems:
        """Return the arguments and the result of a call that the provider ran. The item is kept with the call, so that it can be sent back."""
        item = {name: value for name, value in given.items() if value is not None}
        unlike = _OUTCOMES | _BOOKKEEPING
        arguments = {name: value for name, value in item.items() if name not in unlike}
        if isinstance(arguments.get("arguments"), str):
            arguments = _parse_arguments(arguments["arguments"])
        elif isinstance(arguments.get("action"), dict):
            arguments = arguments["action"]
        outcome = {name: item[name] for name in _OUTCOMES if name in item}
        picture: Attachment | None = None
        if self.kind == "image_generation_call":
            # The picture is kept once, as an attachment of the message, from which requests take it.
            picture = attachment_of(item.pop("result", None), item.get("output_format") or "png")
            outcome = {"result": "a picture" if picture is not None else "no picture"}
        output = next(iter(outcome.values())) if len(outcome) == 1 else outcome or item.get("status", "completed")
        return [
            self.event(
                "tool_call_args",
                json_text(arguments),
                server_executed=True,
                provider_metadata={METADATA: {"item": item}},
            ),
            self.event(
                "tool_result",
                output if isinstance(output, str) else json_text(output),
                server_executed=True,
                tool_name=self._tool_name(given),
            ),
            *self._pictures(picture, item),
        ]

    def _pictures(self, picture: Attachment | None, item: dict[str, Any]) -> StreamItems:
        if picture is None:
            return []
        return [StreamEvent("attachment", "", provider_metadata={METADATA: {"of": item.get("id")}}, attachment=picture)]

    def _tool_name(self, given: dict[str, Any]) -> str:
        return as_text(given.get("name") or self.kind.removesuffix("_call"))

    @property
    def is_nameless(self) -> bool:
        """True for a call whose arguments came without an announcement that names it."""
        return self.kind == "function_call" and not self.named and bool(self.pieces)

    def is_cut_short(self) -> bool:
        """Return True for a call of one of our tools that is not known to be complete, in an answer that was cut off."""
        return self.kind == "function_call" and not (self.over and (not self.pieces or is_json("".join(self.pieces))))


def _parse_arguments(text: str) -> dict[str, Any]:
    try:
        found = from_json(text or "{}")
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"arguments": found}
