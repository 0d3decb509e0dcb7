"""`%llm history`: the turns in the journal as a tree, by notebook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.journal.operations import TurnEntry, is_open
from llm_notebook.journal.protocol import Journal
from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.commands.lists.excerpts import excerpt, latest_by, text_of
from llm_notebook.notebook.commands.lists.listings import Group, Line, show_listing
from llm_notebook.notebook.commands.lists.places import notebook_names
from llm_notebook.notebook.commands.lists.sheets import Column
from llm_notebook.notebook.commands.lists.tables import say
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.parts.messages import Message, ToolCallPart
from llm_notebook.transcript.words import duration, short_id

__all__ = ["show_history"]

_LONGEST = 100
_COLUMNS = (
    Column("Turn"),
    Column("Asked", "llm-fill llm-lead"),
    Column("Model", "llm-nowrap"),
    Column("When", "llm-nowrap"),
    Column("Time", "llm-r"),
    Column("Tokens", "llm-r"),
)
_DEEPEST = 12
_NOTHING = "The journal holds nothing yet."


def show_history(shell: InteractiveShell, journal: Journal, command: Subcommand) -> None:
    """Show the latest turns, those that a text finds, or one conversation.

    Raises:
        CellError: there is no such turn or conversation.
    """
    query = command.text.removeprefix("-q").strip() if command.words[:1] == ["-q"] else ""
    name = command.words[0] if command.words and not query and command.words != ["list"] else ""
    # What a text finds may be a row; a list of the latest would show nothing else after a run over thousands.
    turns = _read_conversation(journal, name) if name else journal.history(query, rows=bool(query))
    has_runs = bool(journal.runs(limit=1))
    # The later rounds of a chain begin with tool results. The list shows each chain once, by its first round.
    chains = {turn.begun.turn_id: turn.begun.chain_id for turn in turns}
    firsts = [turn for turn in turns if turn.begun.messages and turn.begun.messages[-1].role != "tool"]
    if not firsts:
        nothing = "Nothing but runs over rows is in the journal: `%llm jobs` lists them." if has_runs else _NOTHING
        say(shell, "Nothing of that is in the journal." if query else nothing)
        return
    here = current_execution(shell).notebook
    paths = {turn.begun.turn_id: turn.begun.notebook or turn.begun.started_in or "" for turn in firsts}
    names = notebook_names(paths.values(), here)
    replaced = _replaced(firsts)
    lines: dict[str, list[Line]] = {}
    for depth, turn in _in_tree(firsts, chains):
        path = paths[turn.begun.turn_id]
        lines.setdefault(path, []).append(_line(journal, turn, depth, is_past=turn.begun.turn_id in replaced))
    # This notebook comes first, then the one that asked last.
    latest = {path: max(turn.begun.at for turn in firsts if paths[turn.begun.turn_id] == path) for path in lines}
    ordered = sorted(lines, key=lambda path: (path == here and bool(here), latest[path]), reverse=True)
    groups = [Group(names[path] or ("no notebook" if len(lines) > 1 else ""), lines[path]) for path in ordered]
    note = "`%llm history ID` shows a conversation, `%llm --cid ID PROMPT` continues from a turn."
    note += " `%llm jobs` lists the runs over rows." if has_runs else ""
    show_listing(shell, "History", _COLUMNS, groups, note)


def _line(journal: Journal, turn: TurnEntry, depth: int, *, is_past: bool) -> Line:
    rounds = journal.chain(turn.begun.chain_id)
    milliseconds = [one.duration_ms for one in rounds if one.duration_ms is not None]
    tokens = [
        count for one in rounds if one.usage is not None for count in (one.usage.input, one.usage.output) if count
    ]
    waits = any(is_open(call) for one in rounds for call in one.calls)
    when = _when(turn.begun.at) + (", replaced" if is_past else ", waits for you" if waits else "")
    cells = [
        short_id(turn.begun.turn_id),
        _text(turn.begun.messages, "user"),
        turn.begun.model_id,
        when,
        duration(sum(milliseconds) / 1000) if milliseconds else "",
        f"{sum(tokens):,}" if tokens else "",
    ]
    return Line(cells, below=_answer(rounds[-1]), depth=min(depth, _DEEPEST), is_past=is_past)


def _answer(last: TurnEntry) -> str:
    """Return the last answer of a chain, or its state if it has none."""
    ending = "interrupted: its kernel stopped" if last.is_cut_off else last.status
    return _text(last.output, "assistant") or {"streaming": "not ended yet"}.get(ending, ending)


def _read_conversation(journal: Journal, name: str) -> list[TurnEntry]:
    turn = journal.turn(name)
    found = journal.conversation(turn.begun.conversation_id if turn is not None else name)
    if not found:
        raise CellError(f"There is no conversation or turn {name}. `%llm history` lists the latest.")
    return found


def _when(at: datetime) -> str:
    local, now = at.astimezone(), datetime.now().astimezone()
    if local.date() == now.date():
        return f"today, {local:%H:%M}"
    return f"{local:%a, %H:%M}" if 0 <= (now.date() - local.date()).days < 6 else f"{local:%Y-%m-%d %H:%M}"


def _text(messages: Sequence[Message], role: str) -> str:
    """Return the text of the last message with this role in short, or else the names of the tools that it calls."""
    last = latest_by(messages, role)
    parts = last.parts if last is not None else []
    calls = ", ".join(f"{part.name}(…)" for part in parts if isinstance(part, ToolCallPart))
    return excerpt(text_of(last) or calls, _LONGEST)


def _replaced(turns: Sequence[TurnEntry]) -> set[str]:
    """Return the ids of the turns in whose place a later run of their cell has put another."""
    latest: dict[tuple[object, ...], str] = {}
    replaced: set[str] = set()
    for turn in sorted(turns, key=lambda turn: turn.begun.at):
        begun = turn.begun
        if not begun.cell_id or begun.inside:
            continue
        cell = (begun.notebook, begun.started_in, begun.cell_id, begun.place)
        if cell in latest:
            replaced.add(latest[cell])
        latest[cell] = begun.turn_id
    return replaced


def _in_tree(turns: Sequence[TurnEntry], chains: dict[str, str]) -> list[tuple[int, TurnEntry]]:
    """Return (depth, turn) for each turn, those that follow from it below it, oldest first.

    Args:
        turns: the first rounds of chains.
        chains: the chain of each turn, later rounds included.
    """
    known = {turn.begun.chain_id for turn in turns}
    children: dict[str | None, list[TurnEntry]] = {}
    for turn in sorted(turns, key=lambda turn: (turn.begun.at, turn.begun.turn_id)):
        parent = chains.get(turn.begun.parent_id or "")
        is_below = parent in known and parent != turn.begun.chain_id
        children.setdefault(parent if is_below else None, []).append(turn)
    found: list[tuple[int, TurnEntry]] = []
    seen: set[str] = set()
    pending = [(0, turn) for turn in reversed(children.get(None, []))]
    while pending:
        depth, turn = pending.pop()
        if turn.begun.turn_id not in seen:
            seen.add(turn.begun.turn_id)
            found.append((depth, turn))
            pending += [(depth + 1, child) for child in reversed(children.get(turn.begun.chain_id, []))]
    return found
