"""`%llm pending`: what waits for a human, where it was asked, and how to decide about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import CallEntry
from llm_notebook.journal.protocol import Journal
from llm_notebook.notebook.commands.lists.excerpts import excerpt, latest_by, text_of
from llm_notebook.notebook.commands.lists.places import age, cell_name, notebook_names
from llm_notebook.notebook.commands.lists.sheets import Column, element, sheet, shown
from llm_notebook.notebook.commands.lists.tables import code, literal_cell, markdown_table, say
from llm_notebook.notebook.display.finished_text import show_markdown
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.transcript.calls.call_rendering import odd_letters, plain_tool
from llm_notebook.transcript.calls.requests import value_text
from llm_notebook.transcript.markdown.escape import fenced_text
from llm_notebook.transcript.markdown.safe import safe_markdown
from llm_notebook.transcript.visible import visible
from llm_notebook.transcript.words import on_one_line, short_id
from llm_notebook.turns.origin import Origin, origin_of

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.notebook.running.live_turns import LiveTurns

__all__ = ["Waiting", "call_arguments", "read_waiting", "show_all", "show_one"]

_LONGEST_ARGUMENTS = 300
_LONGEST_PROMPT = 200
_LONGEST_WELL = 4_000
_MOST_LINES = 20
_COLUMNS = (
    Column("ID"),
    Column("Asks for", "llm-flow llm-lead"),
    Column("Notebook, cell", "llm-nowrap"),
    Column("Model", "llm-nowrap"),
    Column("Age", "llm-r"),
)
_HOW = "`%llm approve {}`, `%llm deny {} REASON` or `%llm forget {}`"


@dataclass(slots=True)
class Waiting:
    """A call that waits for a human.

    Attributes:
        call: the call.
        origin: where it was asked.
        model_id: the model that asks for it.
        prompt: what the human had asked.
        is_kept: it is in the journal.
        transcript: the id of the transcript with its card; empty if that is not known.
    """

    call: CallEntry
    origin: Origin
    model_id: str
    prompt: str
    is_kept: bool = True
    transcript: str = ""

    @property
    def arguments(self) -> str:
        """The arguments that would run, as JSON. A hook may have changed those that the model wrote."""
        if self.call.request is not None:
            return value_text(self.call.request.arguments)
        return self.call.arguments.decode(errors="replace")

    @property
    def facts(self) -> list[str]:
        """What is to be known before a decision, in a few words each."""
        request = self.call.request
        state = {"waiting": [], "unknown": ["did it run?"]}.get(self.call.state, [f"{self.call.state}, not resumed"])
        destructive = ["destructive"] if request is not None and request.destructive else []
        changed = ["its tool has changed"] if request is not None and request.changed else []
        return [*destructive, *state, *changed, *([] if self.is_kept else ["ends with this kernel"])]


def read_waiting(turns: LiveTurns) -> list[Waiting]:
    """Return what waits in the journal, and then what only this kernel knows (with `-n`), each oldest first.

    Raises:
        JournalError: the journal cannot be read.
    """
    journal = process.of(CurrentJournal).journal
    kept = list(_read_kept(journal)) if journal is not None else []
    known = {waiting.call.call_id for waiting in kept}
    return [
        *kept,
        *(waiting for turn in turns.turns.values() for waiting in _own(turn) if waiting.call.call_id not in known),
    ]


def _read_kept(journal: Journal) -> Iterator[Waiting]:
    for call in journal.waiting():
        turn = journal.turn(call.turn_id)
        if turn is None:
            yield Waiting(call, Origin(), "", "")
            continue
        # The rounds of a chain begin with tool results; what was asked is in the first.
        first = journal.chain(turn.begun.chain_id)[0]
        prompt = text_of(latest_by(first.begun.messages, "user"))
        yield Waiting(call, origin_of(turn.begun), turn.begun.model_id, prompt, transcript=turn.begun.chain_id)


def _own(turn: LiveTurn) -> Iterator[Waiting]:
    paused = turn.paused if turn.is_waiting else None
    for block in turn.view.open_calls if paused is not None else ():
        call = paused.call(block.request) if paused is not None and block.request is not None else None
        if paused is not None and call is not None:
            prompt = text_of(latest_by(paused.messages, "user"))
            yield Waiting(call, turn.origin, turn.view.model_id, prompt, is_kept=False, transcript=turn.view.id)


def show_all(shell: InteractiveShell, waiting: Sequence[Waiting]) -> None:
    """Show a list of what waits: as a table, and as text with what each tool is."""
    if not waiting:
        say(shell, "Nothing waits for you.")
        return
    names = notebook_names((one.origin.path for one in waiting), current_execution(shell).notebook)
    rows = [
        [
            code(short_id(one.call.call_id), in_table=True),
            _asks_for(one),
            literal_cell(_place(one, names)),
            literal_cell(one.model_id),
            literal_cell(age(one.call.changed_at)),
        ]
        for one in waiting
    ]
    below = f"Decide on the card in its cell, or with {_HOW.format('ID', 'ID', 'ID')}. `%llm resume ID` shows the card here, `%llm pending ID` all of one question."
    plain = [line for one in waiting for line in [*_lines(one, names, most=_MOST_LINES), ""]]
    markdown = markdown_table(["ID", "Asks for", "Notebook, cell", "Model", "Age"], rows)
    sheet_rows = [_sheet_row(one, names) for one in waiting]
    show_markdown(
        shell,
        f"{markdown}\n\n{below}",
        "\n".join([*plain, below.replace("`", "")]),
        html=sheet("Waiting questions", _COLUMNS, sheet_rows, below),
    )


def _sheet_row(one: Waiting, names: dict[str, str]) -> list[str]:
    """Return a question as the cells of a list in HTML."""
    said = [
        element("span", shown(fact), "llm-is-error" if fact == "destructive" else "llm-strong") for fact in one.facts
    ]
    said += [shown(f"“{excerpt(one.prompt, _LONGEST_PROMPT)}”")] if one.prompt else []
    name = element("span", shown(on_one_line(one.call.tool_name)), "llm-name")
    arguments = element("span", shown(call_arguments(one)), "llm-args")
    return [
        element("span", shown(short_id(one.call.call_id)), "llm-code"),
        f"{name} {arguments}" + (element("small", " · ".join(said)) if said else ""),
        shown(_place(one, names)),
        shown(one.model_id),
        shown(age(one.call.changed_at)),
    ]


def show_one(shell: InteractiveShell, one: Waiting, remark: str) -> None:
    """Show one question with all of its arguments and of its tool's code.

    Args:
        shell: the shell to show it in.
        one: the question.
        remark: what else there is to know before a decision, such as why it cannot be approved here; empty if nothing.
    """
    names = notebook_names([one.origin.path], current_execution(shell).notebook)
    lines = [*_lines(one, names, most=None), *([on_one_line(remark)] if remark else [])]
    name = short_id(one.call.call_id)
    how = f"Decide with {_HOW.format(name, name, name)}; `%llm resume {name}` shows its card here."
    text = safe_markdown(fenced_text("\n".join(lines), "text"))
    show_markdown(shell, f"{text}\n\n{how}", "\n".join([*lines, how.replace("`", "")]))


def _asks_for(one: Waiting) -> str:
    """Return what is asked for as Markdown for a table: the tool with its arguments, and below what a decision may rest on."""
    said = [f"**{literal_cell(fact)}**" for fact in one.facts]
    said += [literal_cell(f"“{excerpt(one.prompt, _LONGEST_PROMPT)}”")] if one.prompt else []
    called = f"{code(on_one_line(one.call.tool_name), in_table=True)} {literal_cell(call_arguments(one))}"
    return f"{called}<br>{' · '.join(said)}" if said else called


def call_arguments(one: Waiting) -> str:
    """Return the arguments on one line, as Python would write a call."""
    if one.call.request is None:
        return excerpt(one.arguments, _LONGEST_ARGUMENTS)
    written = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in one.call.request.arguments.items()]
    return excerpt(", ".join(written), _LONGEST_ARGUMENTS)


def _place(one: Waiting, names: dict[str, str]) -> str:
    return cell_name(names[one.origin.path], one.origin.number)


def _lines(one: Waiting, names: dict[str, str], *, most: int | None) -> list[str]:
    """Return a question as plain text: its id and tool, and indented below them what to know before a decision.

    Args:
        most: how many lines the arguments and the code may each have; None for all of them.
    """
    call = one.call
    facts = "".join(f" · {fact}" for fact in one.facts)
    where = f" in {place}" if (place := _place(one, names)) else ""
    lines = [f"Asked by {on_one_line(one.model_id)}{where}, {age(call.changed_at)}{_ago(one)}{facts}"]
    if one.prompt and most is None:
        lines += ["Prompt:", *(f"    {line}" for line in visible(one.prompt).split("\n"))]
    elif one.prompt:
        lines.append(f"Prompt: “{excerpt(visible(one.prompt[: 4 * _LONGEST_PROMPT]), _LONGEST_PROMPT)}”")
    if call.request is not None and call.request.reason:
        lines.append(f"The tool says: {on_one_line(call.request.reason)}")
    if call.request is not None and call.request.changed:
        lines.append(on_one_line(call.request.changed))
    lines += ["Arguments:", *(f"    {line}" for line in _beginning(one.arguments, most))]
    lines += filter(None, [odd_letters(call.tool_name, one.arguments)])
    if call.request is not None:
        lines += plain_tool(_seen_from_anywhere(call.request), most_lines=most)
    return [f"{short_id(call.call_id)}  {on_one_line(call.tool_name)}", *(f"    {line}" for line in lines)]


def _beginning(text: str, most: int | None) -> list[str]:
    """Return the lines of a text with every character to be seen, and say how much of it is left out.

    Args:
        most: how many lines there may be; None for the whole text.
    """
    shown = text if most is None else "\n".join(text.split("\n")[:most])[:_LONGEST_WELL]
    left_out = [f"… {len(text) - len(shown):,} more characters"] if len(shown) < len(text) else []
    return [*visible(shown).split("\n"), *left_out]


def _seen_from_anywhere(request: ApprovalRequest) -> ApprovalRequest:
    """Return a question for a list that may be read in another notebook than the one that it was asked in."""
    return replace(request, origin=[fact.replace("in this notebook", "in its notebook") for fact in request.origin])


def _ago(one: Waiting) -> str:
    return "" if age(one.call.changed_at) in ("", "just now") else " ago"
