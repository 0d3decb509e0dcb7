"""`%%llm --each`: the prompt of a cell, asked for each row of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import UnknownModelError
from llm_notebook.notebook.errors import CellError, CellHalted, nearest
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.notebook.line.arguments import typed_text
from llm_notebook.notebook.line.expressions import compiled_expression
from llm_notebook.notebook.prompts.known_secrets import LazyScrubber, scrubbed_value
from llm_notebook.notebook.prompts.schemas import find_schema
from llm_notebook.notebook.prompts.tools import define_functions, find_tools
from llm_notebook.notebook.rows.display import DrawnRun
from llm_notebook.notebook.rows.options import refuse_others
from llm_notebook.notebook.rows.terminal import WrittenRun
from llm_notebook.notebook.rows.words import as_options
from llm_notebook.notebook.running.failures import explains, refuse
from llm_notebook.notebook.running.problems import EXPECTED, keyless_error, lacks_key
from llm_notebook.providers.registry import get_async_model, get_model
from llm_notebook.rows.errors import RowsError
from llm_notebook.rows.estimating import CostRefused
from llm_notebook.rows.flavours import AnyModel
from llm_notebook.rows.job import Job
from llm_notebook.rows.mapping import perform
from llm_notebook.rows.reporting.run import dollars
from llm_notebook.rows.wanted import Wanted
from llm_notebook.transcript.endings import Problem, Way

if TYPE_CHECKING:
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.notebook.running.live_turn import LiveTurn
    from llm_notebook.notebook.running.live_turns import LiveTurns
    from llm_notebook.rows.reporting.display import RunDisplay
    from llm_notebook.rows.reporting.run import Run

__all__ = ["EachCell", "in_options", "read_each"]

_USUAL_CONCURRENCY = 16


@dataclass(slots=True, eq=False)
class EachCell:
    """One cell with `--each`, which can be run again by a click.

    Attributes:
        turns: the turns of the shell.
        arguments: its options.
        text: its prompt, with expressions.
        wanted: what is wanted of the rows.
        names: the variables of the notebook.
        model: the model.
        value: what came of it; None before.
    """

    turns: LiveTurns
    arguments: Arguments
    text: str
    wanted: Wanted
    names: Mapping[str, Any]
    model: AnyModel
    value: object = None

    def run(self, turn: LiveTurn | None = None) -> None:
        """Ask the rows, show that in the running cell, and assign the table.

        Args:
            turn: the transcript that shows it; None for a new one.

        Raises:
            CellHalted: it was stopped, or has come to its limit, and the cells below must not run. Everything is shown already.
            RowsError: it cannot begin, or not go on, and that is not shown in a transcript.
        """
        secrets = LazyScrubber(self.names)
        job = Job(
            _rows(self.arguments, self.names),
            self.text,
            self.model,
            self.wanted,
            lambda run: self._display(run, turn, secrets),
            lambda source, text: scrubbed_value(text, source, secrets),
        )
        if job.table.count is None:
            raise CellError("--each needs a frame or a list: an iterator can be read once only. Nothing was sent.")
        try:
            self._take(perform(job))
        except KeyboardInterrupt:
            self._take(job.partial())
            raise CellHalted("Stopped by you.") from None
        except RowsError as error:
            if error.partial is None:
                raise
            self._take(error.partial)
            if explains(self.turns.front):
                raise CellHalted(str(error)) from error
            raise
        if job.run.state == "limit":
            self._halt(job.run.reason)

    def _halt(self, reason: str) -> None:
        """End a cell that has come to its limit, so that the cells below, which need the whole table, do not run."""
        if explains(self.turns.front):
            raise CellHalted(reason)
        raise CellError(as_options(f"{reason} What is answered is kept."))

    def _take(self, found: object) -> None:
        self.value = found
        if self.arguments.out is not None:
            self.turns.shell.user_ns[self.arguments.out] = found

    def _display(self, run: Run, turn: LiveTurn | None, secrets: LazyScrubber) -> RunDisplay:
        source, out = str(self.arguments.each), self.arguments.out or ""
        if not self.turns.front.is_notebook:
            return WrittenRun(run, out=out, source=source, secrets=secrets)
        drawn = DrawnRun(self.turns, run, turn=turn, out=out, source=source, is_cell=True, secrets=secrets)
        drawn.again = self._run_again
        return drawn

    def _run_again(self, turn: LiveTurn) -> None:
        try:
            self.run(turn)
        except EXPECTED as error:
            refuse(self.turns, in_options(error, self.arguments))


def read_each(
    turns: LiveTurns, arguments: Arguments, cell: str | None, names: dict[str, Any], limit_cost: float | None
) -> EachCell:
    """Return what a cell with `--each` asks. Nothing is sent.

    Args:
        turns: the turns of the shell.
        arguments: its options.
        cell: the text below them; None for `%llm`.
        names: the variables of the notebook.
        limit_cost: what a cell may cost if its options do not say it, in US dollars; None for no limit.

    Raises:
        CellError: an option cannot go with `--each`, or names what does not exist, or the model has no key.
    """
    refuse_others(arguments)
    text = typed_text(arguments, cell)
    if not text.strip():
        raise CellError(
            "There is no prompt: write one below the options, with columns such as {{ text }}. Nothing was sent."
        )
    _rows(arguments, names)
    tools = find_tools(arguments.tools, names)
    if arguments.functions is not None:
        tools += define_functions(arguments.functions, names)
    chosen = arguments.model or current_execution(turns.shell).model or None
    model = _model(replace(arguments, model=chosen))
    wanted = Wanted(
        None if arguments.schema is None else _schema(arguments.schema, names),
        arguments.system,
        arguments.options or None,
        _column(arguments),
        arguments.concurrency or _USUAL_CONCURRENCY,
        arguments.limit_cost if arguments.limit_cost is not None else limit_cost,
        resume=arguments.resume,
        retry=arguments.retry or None,
        keep=arguments.keeps,
        key=arguments.key,
        sample=arguments.sample,
        tools=tools,
        chain_limit=arguments.chain_limit,
    )
    return EachCell(turns, arguments, text, wanted, names, model)


def in_options(error: Exception, arguments: Arguments) -> Exception:
    """Return an error about rows as one about the options of a cell."""
    if not isinstance(error, RowsError):
        return error
    sentence = as_options(str(error))
    if arguments.limit_cost is None:
        # The cell itself has named no limit.
        sentence = sentence.replace("--limit-cost", "LLMMagics.limit_cost").replace("Leave it out.", "Set it to None.")
    said = CellError(sentence)
    if isinstance(error, CostRefused):
        estimate = error.estimate
        said.problem = Problem(
            f"Not started: it would cost about {dollars(estimate.cost or 0.0)}",
            f"The limit is {dollars(error.limit)}. {estimate.rows:,} rows are {estimate.size}. Nothing was sent.",
            "limit",
            [Way("--sample 20", "asks 20 rows first and shows them")],
        )
    return said


def _rows(arguments: Arguments, names: Mapping[str, Any]) -> object:
    source = str(arguments.each)
    code = compiled_expression(source, names)
    if code is None:
        raise CellError(
            f"--each {source}: nothing of that name is defined here.{nearest(source, names)} It takes a frame or a list of the"
            " notebook. Nothing was sent."
        )
    try:
        return eval(code, dict(names))
    except Exception as error:
        raise CellError(f"--each {source}: {type(error).__name__}: {error} Nothing was sent.") from None


def _schema(given: str, names: Mapping[str, Any]) -> object:
    schema, source = find_schema(given, names, "--schema")
    return schema if source is None else source


def _column(arguments: Arguments) -> str | None:
    if len(arguments.attachments) > 1:
        raise CellError("-a names one column with --each, so it can be given once. Nothing was sent.")
    return arguments.attachments[0][0] if arguments.attachments else None


def _model(arguments: Arguments) -> AnyModel:
    try:
        model = get_model(arguments.model)
    except UnknownModelError as unknown:
        # Some models have no other flavour.
        try:
            return get_async_model(arguments.model)
        except UnknownModelError:
            raise CellError(f"{unknown} Nothing was sent.") from unknown
    if arguments.key is None and lacks_key(model):
        raise keyless_error(model, is_default=arguments.model is None)
    try:
        # Many requests at once take no threads there.
        return get_async_model(arguments.model)
    except UnknownModelError:
        return model
