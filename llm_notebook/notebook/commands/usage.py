"""`%llm usage`: tokens, time and cost of what is in the journal, by day, model or notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.process import process
from llm_notebook.journal.protocol import Journal
from llm_notebook.journal.uses import TurnUse
from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.notebook.commands.lists.listings import Bar, Group, Line, show_listing
from llm_notebook.notebook.commands.lists.places import notebook_names
from llm_notebook.notebook.commands.lists.sheets import Column
from llm_notebook.notebook.commands.lists.tables import say
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.parts.messages import Usage
from llm_notebook.providers.catalog.costs import Cost, cost_of, is_billed
from llm_notebook.providers.registry import Registry

__all__ = ["Sum", "add_up", "cost_of_tokens", "show_usage", "weight"]

_MOST_LINES = 30
_COLUMNS = (
    Column("Turns", "llm-r"),
    Column("Tokens in", "llm-r"),
    Column("out", "llm-r"),
    Column("Time", "llm-r"),
    Column("Cost", "llm-r llm-lead"),
    Column("", "llm-nowrap", "Share of the largest"),
)


@dataclass(slots=True)
class Sum:
    """What several turns used together."""

    turns: int = 0
    sent: int = 0
    received: int = 0
    milliseconds: int = 0
    dollars: float = 0.0
    without_price: int = 0
    is_billed: bool = False

    def add(self, use: TurnUse, cost: Cost | None) -> None:
        """Add one turn. Its cost is None where it costs nothing."""
        self.turns += 1
        self.milliseconds += use.duration_ms or 0
        self.sent += (use.usage.input or 0) if use.usage is not None else 0
        self.received += (use.usage.output or 0) if use.usage is not None else 0
        if cost is not None:
            self.is_billed = True
            self.dollars += cost.usd or 0.0
            self.without_price += cost.usd is None

    @property
    def cost(self) -> str:
        """The cost; empty where nothing costs anything."""
        if not self.is_billed or (self.without_price and not self.dollars):
            return "not known" if self.without_price else ""
        return str(Cost(self.dollars))

    def cells(self, name: str, share: float) -> list[str | Bar]:
        """Return it as a line of the list."""
        counts = [f"{count:,}" for count in (self.turns, self.sent, self.received)]
        return [name, *counts, _hours(self.milliseconds / 1000), self.cost, Bar(share)]


def show_usage(shell: InteractiveShell, journal: Journal, words: Sequence[str]) -> None:
    """Show what the turns in the journal used.

    Args:
        shell: the shell to show it in.
        journal: the journal.
        words: what it is counted by, such as `model`; by day if there is none.
    """
    uses = journal.uses()
    if not uses:
        say(shell, "The journal holds nothing yet.")
        return
    by = words[-1].removesuffix("s") if words else "day"
    sums, whole = add_up(uses, by)
    ordered = list(sums) if by == "day" else sorted(sums, key=lambda key: weight(sums[key], whole), reverse=True)
    if by == "day":
        ordered.reverse()
    largest = max(weight(one, whole) for one in sums.values()) or 1.0
    names = _names(shell, ordered, by)
    kept, rest = ordered[:_MOST_LINES], ordered[_MOST_LINES:]
    lines = [
        Line(sums[key].cells(names[key], weight(sums[key], whole) / largest), is_plain=by != "model") for key in kept
    ]
    total = Line([*whole.cells(f"{len(sums)} {by}{'s' if len(sums) > 1 else ''}", 0.0)[:-1], ""], is_plain=True)
    header = (Column(by.capitalize()), *_COLUMNS)
    show_listing(shell, "Usage", header, [Group("", lines)], _note(by, whole, len(rest)), total)


def add_up(uses: Iterable[TurnUse], by: str) -> tuple[dict[str, Sum], Sum]:
    """Return what turns used, by `day` (in ISO 8601), `model` or `notebook`, and what all of them used together."""
    sums: dict[str, Sum] = {}
    whole = Sum()
    models: dict[str, KeyHolder | None] = {}
    for use in uses:
        if use.model_id not in models:
            models[use.model_id] = _model(use.model_id)
        cost = _cost(use, models[use.model_id])
        day = use.at.astimezone().date().isoformat()
        key = {"day": day, "model": use.model_id, "notebook": use.notebook}[by]
        sums.setdefault(key, Sum()).add(use, cost)
        whole.add(use, cost)
    return sums, whole


def cost_of_tokens(model_id: str, usage: Usage, at: datetime | None) -> Cost | None:
    """Return what tokens cost; None where the model costs nothing, or is not known here.

    Args:
        model_id: the model.
        usage: the tokens.
        at: when they were used; None means now.
    """
    model = _model(model_id)
    return cost_of(model, usage, at=at) if model is not None and is_billed(model) else None


def _model(name: str) -> KeyHolder | None:
    # Whatever asks a server, or loads a plugin, is not worth the price of a model that few have.
    entries = process.of(Registry).known_entries()
    entry = next((entry for entry in entries if name in (entry.model_id, *entry.aliases)), None)
    model = None if entry is None else entry.model or entry.async_model
    return model if isinstance(model, KeyHolder) else None


def _cost(use: TurnUse, model: KeyHolder | None) -> Cost | None:
    if model is None or use.usage is None:
        return None
    return cost_of(model, use.usage, at=use.at) if is_billed(model) else None


def weight(one: Sum, whole: Sum) -> float:
    """Return what a bar shows: the cost, or where nothing has a price, the tokens."""
    return one.dollars if whole.dollars else float(one.sent + one.received or one.turns)


def _names(shell: InteractiveShell, keys: Sequence[str], by: str) -> dict[str, str]:
    if by == "day":
        return {key: _day(date.fromisoformat(key)) for key in keys}
    if by == "notebook":
        names = notebook_names(keys, current_execution(shell).notebook)
        return {key: names[key] or "no notebook" for key in keys}
    return {key: key for key in keys}


def _day(day: date) -> str:
    today = datetime.now().astimezone().date()
    if day == today:
        return "today"
    return f"{day:%a}, {day.day} {day:%b}" + (f" {day.year}" if today - day > timedelta(days=300) else "")


def _hours(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3_600 else f"{seconds / 3_600:.1f} h"


def _note(by: str, whole: Sum, hidden: int) -> str:
    priceless = (
        f"Without {whole.without_price:,} turn{'s' if whole.without_price > 1 else ''} of a model whose price is not known. "
        if whole.without_price
        else ""
    )
    more = f"{hidden:,} more are not shown. " if hidden else ""
    others = [f"`%llm usage {other}`" for other in ("day", "model", "notebook") if other != by]
    return f"{more}{priceless}{' and '.join(others)} count by these."
