"""The tool calls of Chat Completions: to which call each delta belongs, whatever the server does with indices and ids. No I/O.

In OpenAI's own stream the first delta of a call has its index, its id and its name, and the next ones have the index and a piece of the
arguments. Servers that imitate it leave out the index or the id, give all calls the same, change the id with every delta, or repeat the
name. Only one clue is reliable: a call has a name, so a delta without a name never begins one. A wrong guess would be bad in either direction:
a call would run with the arguments of two, or with its defaults.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from llm_notebook.parts.identifiers import CallIds
from llm_notebook.parts.messages import StreamEvent, json_text
from llm_notebook.providers.http.answers.decoding import StreamItems, as_text, is_json

__all__ = ["CallDeltas"]


@dataclass(slots=True)
class CallDeltas:
    """The tool calls of one answer while their deltas arrive.

    Attributes:
        calls: the calls that have begun, in order.
    """

    calls: list[_Call] = field(default_factory=list)
    _nameless: list[_Delta] = field(default_factory=list)
    # An answer may have thousands of calls, so each delta finds its call without searching all of them.
    _ids: CallIds = field(default_factory=CallIds)
    _by_index: defaultdict[Hashable, list[_Call]] = field(default_factory=lambda: defaultdict(list))
    _by_given_id: defaultdict[str, list[_Call]] = field(default_factory=lambda: defaultdict(list))

    @property
    def has_nameless(self) -> bool:
        """True if data was sent for a call that was never named."""
        return any(delta.id or delta.arguments.strip() for delta in self._nameless)

    @property
    def are_whole(self) -> bool:
        """True if the arguments of every call are whole JSON texts."""
        return all(call.is_whole for call in self.calls)

    def take(self, sent: Sequence[dict[str, Any]], *, whole: bool = False) -> StreamItems:
        """Return the stream items of the deltas of one chunk.

        Args:
            sent: the deltas, as the server sent them.
            whole: whether they are complete calls, from an answer that was not streamed.
        """
        items: StreamItems = []
        named: list[_Call] = []
        for position, delta in enumerate(map(_Delta, sent)):
            call = None
            if not whole and delta.name:
                # One chunk never names the same call twice.
                again = self._named_again(delta)
                call = again if again not in named else None
            elif not whole:
                call = self._continued(delta, len(sent), position)
            if call is not None and call.may_be_two and delta.arguments.strip():
                # Its name was repeated after its arguments were complete, and now there are more arguments: that was another call.
                call.may_be_two, delta.name, call = False, call.name, None
            if call is None and not delta.name:
                self._nameless.append(delta)
                continue
            if call is None:
                call, begun = self._begin(delta)
                items += begun
            named += [call] if delta.name else []
            items += [] if call.repeats(delta) else self._add(call, delta)
        return items

    def _begin(self, delta: _Delta) -> tuple[_Call, StreamItems]:
        """Begin a call with the data that arrived before its name."""
        before = [early for early in self._nameless if early.index in (None, delta.index)]
        self._nameless = [early for early in self._nameless if early not in before]
        given = next((one.id for one in (delta, *before) if one.id), None)
        call = _Call(self._ids.distinct(given or ""), given, delta.index, delta.name)
        self.calls.append(call)
        self._by_index[call.index].append(call)
        if given:
            self._by_given_id[given].append(call)
        items: StreamItems = [StreamEvent("tool_call_name", delta.name, tool_call_id=call.id)]
        return call, items + [item for early in before for item in call.add(early)]

    def _add(self, call: _Call, delta: _Delta) -> StreamItems:
        """Add a delta to a call: a piece of the arguments, and the id if none was given before."""
        if delta.id and not call.given_id:
            call.given_id = delta.id
            self._by_given_id[delta.id].append(call)
        return call.add(delta)

    def _named_again(self, delta: _Delta) -> _Call | None:
        """Return the call that a delta with a name continues, because some servers repeat the name; None if it begins a call."""
        call = self._with_id(delta, at_its_index=True) or self._latest_at(delta.index)
        if call is None:
            # The index may have changed with the delta, as long as nothing else indicates a second call.
            earlier = self._with_id(delta)
            return earlier if earlier is not None and earlier.name == delta.name and not earlier.text else None
        if call.name != delta.name:
            return None
        if call.is_whole and delta.arguments.strip():
            return call if call.repeats(delta) else None
        if delta.id and call.given_id and delta.id != call.given_id:
            goes_on = not call.text or not (call.is_whole or delta.arguments.lstrip().startswith("{"))
            return call if delta.index is not None and goes_on else None
        call.may_be_two = call.is_whole
        return call

    def _continued(self, delta: _Delta, count: int, position: int) -> _Call | None:
        """Return the call that a delta without a name continues; None if its call has not been named yet.

        Args:
            delta: the delta.
            count: the number of deltas in its chunk.
            position: its place among them.
        """
        if not self.calls:
            return None
        latest = self.calls[-1]
        latest_there = None if delta.index is None else self._latest_at(delta.index)
        call = (latest_there and self._with_id(delta, at_its_index=True)) or self._only_with_id(delta)
        if call is None and latest_there is not None:
            call = latest_there
            # Complete arguments accept nothing more, so the index is wrong.
            call = latest if call is not latest and call.is_whole else call
        if call is None and delta.index is None and count > 1:
            call = self.calls[-count:][position] if len(self.calls) >= count else None
        call = call or latest
        if latest_there is None and delta.index is not None and call.is_whole and delta.arguments.strip():
            return None
        return call

    def _latest_at(self, index: Hashable) -> _Call | None:
        """Return the call that began last at an index."""
        there = self._by_index.get(index)
        return there[-1] if there else None

    def _with_id(self, delta: _Delta, *, at_its_index: bool = False) -> _Call | None:
        """Return the last call with the delta's id, among all calls or among those at the delta's index."""
        found = reversed(self._by_given_id.get(delta.id or "", ()))
        return next((call for call in found if not at_its_index or call.index == delta.index), None)

    def _only_with_id(self, delta: _Delta) -> _Call | None:
        found = self._by_given_id.get(delta.id or "", ())
        return found[0] if len(found) == 1 else None

    def to_list(self) -> list[dict[str, Any]]:
        """Return the calls as a completion that was not streamed would hold them."""
        return [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}
            for call in self.calls
        ]


class _Delta:
    """One delta of a tool call, checked."""

    __slots__ = ("arguments", "id", "index", "name")

    def __init__(self, sent: dict[str, Any]) -> None:
        function = sent.get("function") or {}
        given, arguments = sent.get("id"), function.get("arguments")
        index = sent.get("index")
        self.index: Hashable = index if isinstance(index, Hashable) else json_text(index)
        self.id = given if isinstance(given, str) and given else None
        self.name = as_text(function.get("name") or "")
        self.arguments = arguments if isinstance(arguments, str) else "" if arguments is None else json_text(arguments)


class _Call:
    """A tool call while its deltas arrive.

    Attributes:
        id: the id that it has here.
        given_id: the id that the server gave it.
        index: the index that the server gave it.
        name: its name.
        may_be_two: whether its name was repeated after its arguments were complete, so that what follows may be another call.
    """

    __slots__ = ("_pieces", "given_id", "id", "index", "may_be_two", "name")

    def __init__(self, call_id: str, given_id: str | None, index: Hashable, name: str) -> None:
        self.id = call_id
        self.given_id = given_id
        self.index = index
        self.name = name
        self.may_be_two = False
        self._pieces: list[str] = []

    def add(self, delta: _Delta) -> StreamItems:
        """Add a delta's piece of the arguments, and return its stream items."""
        if not delta.arguments:
            return []
        self._pieces.append(delta.arguments)
        return [StreamEvent("tool_call_args", delta.arguments, tool_call_id=self.id)]

    def repeats(self, delta: _Delta) -> bool:
        """Return True for a delta that repeats the whole call, as some servers do at the end."""
        is_same = delta.name == self.name and delta.id is not None and delta.id == self.given_id
        return is_same and delta.index == self.index is not None and bool(self._pieces) and delta.arguments == self.text

    @property
    def text(self) -> str:
        """The arguments so far."""
        return "".join(self._pieces)

    @property
    def is_whole(self) -> bool:
        """True if the arguments so far are a whole JSON text."""
        # Long arguments arrive in very many pieces, most of which cannot be the last one.
        last = next((piece for piece in reversed(self._pieces) if piece.strip()), "")
        if last.rstrip()[-1:] in ("", "{", "[", ",", ":"):
            return False
        return is_json(self.text)
