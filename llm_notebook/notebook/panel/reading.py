"""What the side panel shows of the journal: what waits, runs over rows, conversations, and what was used.

Every text that a model, a tool or a file may have written is bounded, and has its hidden characters spelled out.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.notebook.commands.jobs import cost_of_run, share_of_run, state_of_run
from llm_notebook.notebook.commands.lists.excerpts import excerpt, latest_by, text_of
from llm_notebook.notebook.commands.lists.places import age, cell_name, notebook_names
from llm_notebook.notebook.commands.pending import call_arguments, read_waiting
from llm_notebook.notebook.commands.usage import Sum, add_up, weight
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.waits.recalling import read_inside
from llm_notebook.transcript.markdown.escape import fenced_text
from llm_notebook.transcript.markdown.safe import safe_markdown
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.rendering import literal_markdown, markdown_of
from llm_notebook.transcript.visible import visible
from llm_notebook.turns.origin import origin_of

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnEntry
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.notebook.commands.pending import Waiting
    from llm_notebook.notebook.running.live_turns import LiveTurns

__all__ = ["conversation", "conversations", "export", "runs", "usage", "waiting"]

Asked = Mapping[str, Any]
Answer = dict[str, Any]

_MOST_WAITING = 50
_MOST_RUNS = 10
_MOST_CONVERSATIONS = 20
_MOST_TURNS = 400
_MOST_SHOWN_TURNS = 100
_LONGEST = 200
_BEFORE_FOUND = 40
_DAYS = 7


def waiting(turns: LiveTurns, asked: Asked) -> Answer:
    """Return the calls that wait for a human, in all notebooks, oldest first."""
    found = read_waiting(turns)
    names = notebook_names((one.origin.path for one in found), "")
    return {"waiting": [_question(one, names, asked) for one in found[:_MOST_WAITING]], "count": len(found)}


def _question(one: Waiting, names: Mapping[str, str], asked: Asked) -> Answer:
    request = one.call.request
    return {
        "id": one.call.call_id,
        "transcript": one.transcript,
        "tool": _short(one.call.tool_name),
        "arguments": visible(call_arguments(one))[:_LONGEST],
        "notebook": _on_server(one.origin.path, asked),
        "cell": one.origin.cell_id,
        "place": _short(cell_name(names[one.origin.path], one.origin.number)),
        "model": _short(one.model_id),
        "age": age(one.call.changed_at),
        "destructive": request is not None and request.destructive,
    }


def runs(_turns: LiveTurns, asked: Asked) -> Answer:
    """Return the latest runs over rows, newest first."""
    return {
        "runs": [
            {
                "id": run.begun.rows_id,
                "asked": _short(run.begun.prompt),
                "model": _short(run.begun.model_id),
                "notebook": _on_server(run.begun.notebook or "", asked),
                "at": run.begun.at.isoformat(),
                "ended": None if run.ended_at is None else run.ended_at.isoformat(),
                "count": run.begun.count,
                "answered": run.answered,
                "failed": run.failed,
                "cost": cost_of_run(run),
                "state": state_of_run(run),
                "share": share_of_run(run),
            }
            for run in _journal().runs(limit=_MOST_RUNS)
        ]
    }


def conversations(_turns: LiveTurns, asked: Asked) -> Answer:
    """Return the latest conversations, or those in which a text was said, newest first."""
    journal = _journal()
    query = asked.get("query")
    query = query.strip()[:_LONGEST] if isinstance(query, str) else ""
    most = asked.get("most")
    most = most if isinstance(most, int) and 0 < most <= _MOST_TURNS else _MOST_CONVERSATIONS
    # By the conversation: where the text was found in it.
    found: dict[str, str] = {}
    turns = journal.history(query, limit=_MOST_TURNS, rows=False)
    for turn in turns:
        # What a tool asked is a part of the turn that called it, and a row is a part of its run.
        if not turn.begun.inside and not turn.begun.rows:
            name = turn.begun.conversation_id
            found[name] = found.get(name) or (_around(turn, query) if query else "")
    shown = [_conversation(name, _whole(journal, name), asked, found[name]) for name in list(found)[:most]]
    return {"conversations": shown, "count": len(found), "isMore": len(turns) == _MOST_TURNS}


def _whole(journal: Journal, name: str) -> list[TurnEntry]:
    """Return the turns of a conversation that a human asked, oldest first: the first rounds of their chains."""
    return [turn for turn in journal.conversation(name) if _is_asked(turn) and not turn.begun.inside]


def _is_asked(turn: TurnEntry) -> bool:
    return bool(turn.begun.messages) and turn.begun.messages[-1].role != "tool"


def _conversation(name: str, turns: Sequence[TurnEntry], asked: Asked, found: str = "") -> Answer:
    last = turns[-1] if turns else None
    path = (last.begun.notebook or last.begun.started_in or "") if last is not None else ""
    return {
        "id": name,
        "title": _prompt(turns[0]) if turns else "",
        "notebook": _on_server(path, asked),
        "model": _short(last.begun.model_id) if last is not None else "",
        "at": last.begun.at.isoformat() if last is not None else "",
        "turns": len(turns),
        "found": found,
    }


def _around(turn: TurnEntry, query: str) -> str:
    """Return the place of a turn's prompt or answer where the first word of a text was said."""
    word = query.split(maxsplit=1)[0].casefold()
    for messages, role in ((turn.begun.messages, "user"), (turn.output, "assistant")):
        line = " ".join(text_of(latest_by(messages, role)).split())
        at = line.casefold().find(word)
        if at >= 0:
            start = max(0, at - _BEFORE_FOUND)
            return _short(("…" if start else "") + line[start:])
    return ""


def _prompt(turn: TurnEntry) -> str:
    return _short(text_of(latest_by(turn.begun.messages, "user")))


def conversation(_turns: LiveTurns, asked: Asked) -> Answer:
    """Return the turns of one conversation, oldest first. Each names its transcript, which a page asks for as it always does."""
    name = str(asked.get("id"))
    turns = _found(name)
    shown = [
        {
            "transcript": turn.begun.chain_id,
            "prompt": visible(text_of(latest_by(turn.begun.messages, "user")))[: 20 * _LONGEST],
            "number": origin_of(turn.begun).number,
            "at": turn.begun.at.isoformat(),
            "model": _short(turn.begun.model_id),
        }
        for turn in turns[-_MOST_SHOWN_TURNS:]
    ]
    return {"conversation": _conversation(name, turns, asked), "turns": shown}


def export(_turns: LiveTurns, asked: Asked) -> Answer:
    """Return one conversation as a Markdown document, as the notebook's own Markdown has it."""
    name = str(asked.get("id"))
    turns = _found(name)
    journal = _journal()
    parts = [f"# {literal_markdown(_prompt(turns[0])) or 'Conversation'}"]
    for turn in turns:
        rounds = journal.chain(turn.begun.chain_id) or [turn]
        view = view_of_turns(rounds, inside=read_inside(rounds))
        asked_text = visible(text_of(latest_by(turn.begun.messages, "user")))
        when = f"{turn.begun.at.astimezone():%Y-%m-%d %H:%M}"
        parts += [f"## {when}", safe_markdown(fenced_text(asked_text, "text")).strip(), markdown_of(view)]
    return {"markdown": "\n\n".join(parts) + "\n", "title": _prompt(turns[0])}


def _found(name: str) -> list[TurnEntry]:
    turns = _whole(_journal(), name) if name else []
    if not turns:
        raise CellError("This conversation is not in the journal.")
    return turns


def usage(_turns: LiveTurns, _asked: Asked) -> Answer:
    """Return what the last seven days have used by day, and today by model."""
    today = datetime.now().astimezone().date()
    days = [today - timedelta(days=back) for back in reversed(range(_DAYS))]
    uses = _journal().uses(since=datetime.combine(days[0], time.min).astimezone())
    by_day, week = add_up(uses, "day")
    by_model, whole = add_up([use for use in uses if use.at.astimezone().date() == today], "model")
    weights = {day: weight(by_day[day.isoformat()], week) if day.isoformat() in by_day else 0.0 for day in days}
    largest = max(weights.values()) or 1.0
    ordered = sorted(by_model, key=lambda model: weight(by_model[model], whole), reverse=True)
    return {
        "days": [
            {
                "day": day.isoformat(),
                "share": weights[day] / largest,
                **_used(by_day.get(day.isoformat(), Sum())),
            }
            for day in days
        ],
        "week": _used(week),
        "models": [{"model": _short(model), **_used(by_model[model])} for model in ordered],
        "today": _used(whole),
    }


def _used(used: Sum) -> Answer:
    return {"turns": used.turns, "tokens": used.sent + used.received, "cost": used.cost, "isBilled": used.is_billed}


def _journal() -> Journal:
    journal = process.of(CurrentJournal).journal
    if journal is None:
        raise CellError(process.of(CurrentJournal).problem or "No journal is open.")
    return journal


def _on_server(path: str, asked: Asked) -> str:
    """Return the path of a notebook as the page knows it: below its server's folder, or else the whole path."""
    root = asked.get("root")
    folder = posixpath.join(os.path.expanduser(root), "") if isinstance(root, str) and root else ""
    return _short(path.removeprefix(folder))


def _short(text: str) -> str:
    return excerpt(visible(text[: 4 * _LONGEST]), _LONGEST)
