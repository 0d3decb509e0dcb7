"""Turns what was typed after `%llm` or `%%llm` into a chain and shows it in the cell, or runs a subcommand."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from IPython.core.interactiveshell import InteractiveShell
from pydantic import ValidationError

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, ModelError, UnknownModelError, UnreadAttachment
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import NotebookRenamed
from llm_notebook.models.chain_responses import ChainResponse
from llm_notebook.models.model import KeyModel, Model
from llm_notebook.models.responses import Response
from llm_notebook.notebook.actions import Actions
from llm_notebook.notebook.cells.assigned import is_value_used
from llm_notebook.notebook.cells.session import ConversationNode, PromptCount, Session
from llm_notebook.notebook.commands.grammar import Subcommand, parse_subcommand
from llm_notebook.notebook.context.reading import ContextSource, add_context
from llm_notebook.notebook.display.keyboard import ask_by_keyboard
from llm_notebook.notebook.errors import CellError, option_sentence
from llm_notebook.notebook.frontend.execution import Execution, current_execution
from llm_notebook.notebook.frontend.kernel import is_interactive
from llm_notebook.notebook.line.arguments import parse_cell, parse_line, typed_text
from llm_notebook.notebook.line.data_options import read_wanted
from llm_notebook.notebook.line.options import Arguments
from llm_notebook.notebook.line.typed_keys import is_typed_key, masked_text
from llm_notebook.notebook.prompts.asked import Asked
from llm_notebook.notebook.prompts.dry_run import show_dry_run
from llm_notebook.notebook.prompts.given import read_given
from llm_notebook.notebook.prompts.interpolation import read_prompt, read_system
from llm_notebook.notebook.prompts.makers import maker_of
from llm_notebook.notebook.prompts.templating import Applied, apply_templates
from llm_notebook.notebook.prompts.tools import define_functions, find_tools, read_policy, tools_by_name
from llm_notebook.notebook.running.failures import refuse
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.notebook.running.live_turns import AskHuman, LiveTurns, OnPause
from llm_notebook.notebook.running.outcome import bind, outcome, put_in_new_cell
from llm_notebook.notebook.running.problems import EXPECTED, unread_error
from llm_notebook.notebook.running.remarks import add_remark
from llm_notebook.notebook.waits.recalling import find_response, read_continued_turn
from llm_notebook.notebook.waits.waiting import WaitingTurns, request_digest
from llm_notebook.parts.sent import Sent
from llm_notebook.providers.registry import get_model
from llm_notebook.transcript.beside import Beside
from llm_notebook.turns.concurrency.interrupts import stoppable
from llm_notebook.turns.origin import Origin

if TYPE_CHECKING:
    from llm_notebook.notebook.magics import LLMMagics
    from llm_notebook.notebook.watched import Watched

__all__ = ["Asking"]

_CHAIN_LIMIT = 10
_KEY_IN_CELL = "The key in this cell is saved with the notebook. `%llm keys set NAME` keeps it out: then `--key NAME`."


class Asking:
    """What the magics of one shell do, and what they keep between cells.

    Args:
        shell: the shell.
        settings: says what is set by `%config`.
        watched: what was noted since the magics were registered.

    Attributes:
        sessions: the conversations of each notebook, by the path that the front end sends.
        prompts: counts the prompts of each execution.
        turns: the turns that can be shown and continued.
        actions: performs what readers do with them.
    """

    def __init__(self, shell: InteractiveShell, settings: LLMMagics, watched: Watched) -> None:
        self.shell = shell
        self._settings = settings
        self._watched = watched
        self.sessions: dict[str, Session] = {}
        self.prompts = PromptCount()
        self._followed = ""
        self.turns = LiveTurns(shell, watched.front, self._keep_outcome, on_pause=cast("OnPause", settings.on_pause))
        self.actions = Actions(self.turns, watched.cells)

    def ask(self, line: str, cell: str | None, local_ns: Mapping[str, Any] | None) -> object:
        """Ask a language model, or run a subcommand.

        Args:
            line, cell: what stands behind the magic and below it.
            local_ns: the variables of the function that calls the magic; None outside of functions.

        Returns:
            What is assigned to a variable, if the cell assigns it.
        """
        try:
            with stoppable():
                return self._ask(line, cell, self._names(local_ns))
        except EXPECTED as error:
            refuse(self.turns, error)
            return None

    def _ask(self, line: str, cell: str | None, names: dict[str, Any]) -> object:
        execution = current_execution(self.shell)
        if execution.renamed_from:
            self.follow(execution)
        command = parse_subcommand(line) if cell is None else None
        if command is not None and command.name != "error":
            self._run(command)
            return None
        place = self.prompts.next(execution.name)
        beside: Beside | None = None
        told = list[Sent]()
        if command is not None:
            (arguments, beside, told), body = self._explain_failure(command, names), None
        else:
            arguments, body = (parse_line(line), None) if cell is None else parse_cell(line, cell)
        if arguments.each is not None or arguments.save is not None:
            return self._ask_rows_or_save(arguments, body, names)
        entered = f"{line}\n{cell or ''}"
        entered = entered if arguments.key is None else masked_text(entered, arguments.key)

        def read(given: Arguments) -> Asked:
            return replace(self._read_request(given, body, names, execution, place, entered), told=told)

        def ask_with(model_id: str) -> tuple[ChainResponse, tuple[Arguments, ConversationNode]]:
            asked = read(replace(arguments, model=model_id))
            return self._chain(asked), (asked.arguments, asked.node)

        asker = self._asker(wait=arguments.wait)
        try:
            asked = read(arguments)
            if asked.arguments.dry_run:
                show_dry_run(self.shell, self._chain(asked), stream=arguments.stream, out=arguments.out)
                return None
            waiting = WaitingTurns(self.turns, asked.origin)
            repeated = None if arguments.new else waiting.find_repeated()
            if repeated is None:
                left, chain = waiting.left(), self._chain(asked)
        except KeyboardInterrupt:
            raise CellError("Stopped by you. Nothing was sent.") from None
        except EXPECTED as error:
            refuse(self.turns, error, ask_with)
        context = (arguments, asked.node)
        if repeated is not None:
            return self._show_again(repeated, context, asked)
        view = asked.wanted.view_of(chain, arguments, remarks=[*asked.given.remarks, *left], beside=beside)
        asked.wanted.ask_again = lambda latest, told: self._chain(asked.corrected(latest, told))
        self.turns.show(chain, view, context=context, ask=asker, ask_with=ask_with, wanted=asked.wanted)
        return outcome(view, asked.wanted) if is_value_used() else None

    def _show_again(self, repeated: LiveTurn, context: tuple[Arguments, ConversationNode], asked: Asked) -> object:
        # What the cell was given, such as --out, holds for the question that it shows again.
        repeated.context, repeated.wanted = context, asked.wanted
        asked.wanted.attach(repeated.view)
        self.turns.show_again(repeated)
        return None

    def _explain_failure(
        self, command: Subcommand, names: dict[str, Any]
    ) -> tuple[Arguments, Beside | None, list[Sent]]:
        from llm_notebook.notebook.explaining.explainer import explain_failure  # only where asked for

        return explain_failure(command, self._watched.failures, names, self._watched.run_cells.tags)

    def _ask_rows_or_save(self, arguments: Arguments, body: str | None, names: dict[str, Any]) -> object:
        if arguments.save is not None:
            from llm_notebook.notebook.prompts.storing import save_as_template  # what only --save needs

            save_as_template(self.shell, arguments, typed_text(arguments, body), names)
            return None
        from llm_notebook.notebook.rows.each import in_options, read_each  # what only runs over rows need

        try:
            cell = read_each(self.turns, arguments, body, names, self._settings.limit_cost)
            cell.run()
        except EXPECTED as error:
            refuse(self.turns, in_options(error, arguments))
        return cell.value if is_value_used() else None

    def _run(self, command: Subcommand) -> None:
        from llm_notebook.notebook.commands import setup as commands  # what only subcommands need
        from llm_notebook.notebook.commands.journal import JOURNAL_COMMANDS, JournalCommands  # likewise

        if command.name == "act":
            self.actions.act(command.text)
        elif command.name in JOURNAL_COMMANDS:
            JournalCommands(self.turns, self.actions, self._asker()).run(command)
        else:
            commands.run(self.shell, command)

    def _asker(self, *, wait: bool = False) -> AskHuman | None:
        """Return what asks a human by keyboard; None where buttons ask, and where nobody can answer."""
        # In a terminal there are no buttons, and under nbclient nobody can type.
        by_keyboard = (wait or not self.turns.front.is_notebook) and is_interactive(self.shell)
        return ask_by_keyboard if by_keyboard else None

    def follow(self, execution: Execution) -> None:
        """Let everything that belongs to a notebook follow it, if the front end says that its file was renamed."""
        before, after = execution.renamed_from, execution.notebook
        if not before or before == after or execution.name == self._followed:
            return
        # An execution says it for each of its prompts, but what is asked under the former path later belongs to another notebook.
        self._followed = execution.name
        journal = process.of(CurrentJournal).journal
        if journal is not None:
            # If the journal fails, questions are asked again; nothing is lost.
            with suppress(JournalError):
                journal.submit(NotebookRenamed(before, after)).result()
        if before in self.sessions:
            self.sessions[after] = self.sessions.pop(before)
        self.turns.rename_notebook(before, after)

    def _names(self, local_ns: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the variables that expressions in a prompt see; inside a function, its local ones too."""
        shell = self.shell
        if shell.user_ns is shell.user_global_ns and (local_ns is None or local_ns is shell.user_ns):
            return shell.user_ns
        return {**shell.user_global_ns, **shell.user_ns, **(local_ns or {})}

    def _read_request(
        self,
        arguments: Arguments,
        cell: str | None,
        names: dict[str, Any],
        execution: Execution,
        place: int,
        entered: str,
    ) -> Asked:
        """Return the request as rendered. Nothing is sent yet.

        The tools come first: running a cell makes them available to the questions that wait in it, even if the rest is refused.
        """
        origin = _origin(execution, place, entered, keeps=arguments.keeps)
        uses_templates = arguments.templates or arguments.params
        applied = apply_templates(arguments, self.shell) if uses_templates else Applied(arguments)
        arguments = applied.arguments
        tools, makers = self._tools(arguments, names)
        if origin.cell_id:
            self.turns.cell_tools.setdefault(origin.cell, {}).update(tools_by_name(tools))
        given = read_given(arguments, names, self._watched.last_figure.find)
        wanted = read_wanted(arguments, names)
        typed, is_cell = typed_text(arguments, cell), cell is not None
        text = read_prompt(typed, arguments, names, given, is_cell=is_cell, brings_prompt=applied.brings_prompt)
        prompt, system = text, read_system(arguments, names, given.secrets)
        if applied.templates:
            applied.remove_secrets(given.secrets)
            prompt, system = applied.prompt(text), applied.system(system, text)
        session = self.sessions.setdefault(execution.notebook, Session())
        node = session.turn(
            execution.cell,
            place,
            continues=arguments.continue_ and not arguments.new,
            recall=lambda: read_continued_turn(origin),
            keeps=not arguments.dry_run,
        )
        if arguments.conversation is not None:
            node.parent = ConversationNode(response=find_response(arguments.conversation))
        model = self._model(arguments, session, node, execution.model)
        conversation = session.conversation(node, model)
        history = conversation.history()
        node.question, node.number = prompt, execution.number
        context = arguments.context or self._settings.context
        if context != "none":
            source = ContextSource(self.turns, self._watched.failures, self._watched.run_cells, session)
            add_context(context, source, conversation, given, origin, arguments.max_size)
        beside = {"schema": wanted.schema, **applied.beside}
        digest = request_digest(arguments, model.model_id, prompt, system, given.digest(), history, beside)
        origin = replace(origin, request=digest, makers=makers)
        return Asked(arguments, prompt, system, given, tools, origin, session, node, conversation, wanted, applied)

    def _tools(self, arguments: Arguments, names: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the tools, and which cells make them, by the names of the tools."""
        given: list[Any] = []
        makers: dict[str, Any] = {}
        sources = [(word, word not in names or isinstance(names[word], type)) for word in arguments.tools]
        for word, is_here in sources:
            found = find_tools([word], names)
            given += found
            makers |= dict.fromkeys(tools_by_name(found), maker_of(self.shell, word, found, is_here=is_here))
        if arguments.functions is not None:
            found = define_functions(arguments.functions, names)
            given += found
            makers |= dict.fromkeys(tools_by_name(found), maker_of(self.shell, "--functions", found, is_here=True))
        return given, makers

    def _chain(self, asked: Asked) -> ChainResponse:
        arguments, conversation, model = asked.arguments, asked.conversation, asked.conversation.model
        conversation._origin = asked.origin
        policy = read_policy(asked.tools, arguments.approve, always=arguments.ask_always)
        try:
            chain = conversation.chain(
                asked.prompt,
                system=asked.system,
                stream=arguments.stream,
                tools=asked.tools or None,
                chain_limit=_CHAIN_LIMIT if arguments.chain_limit is None else arguments.chain_limit,
                options=arguments.options,
                schema=asked.wanted.source_to_send,
                **asked.given.for_prompt(asked.applied.beside),
                hide_reasoning=arguments.hide_reasoning,
                key=arguments.key,
            )
        except ValidationError as error:
            raise CellError(option_sentence(error, model.model_id, model.Options.model_fields)) from None
        except UnreadAttachment as error:
            raise unread_error(error) from error
        except ModelError:
            raise
        except ValueError as error:
            raise CellError(f"{error} Nothing was sent.") from None
        chain._chain.plan.policy = policy
        chain.prompt.enclosed = (*chain.prompt.enclosed, *asked.sent)
        return chain

    def _model(self, arguments: Arguments, session: Session, node: ConversationNode, chosen: str) -> Model | KeyModel:
        # A conversation keeps its model until another one is named.
        before = session.model_before(node) if arguments.model is None else None
        if before is not None:
            return before
        try:
            return get_model(arguments.model or chosen or None)
        except UnknownModelError as error:
            whose = "" if arguments.model or not chosen else "This notebook's model cannot be used. "
            raise CellError(f"{whose}{error} Nothing was sent.") from error

    def _keep_outcome(self, live: LiveTurn, chain: ChainResponse) -> None:
        """Keep what outlives a run: the turn in the conversation, the user's variable, and remarks for the reader."""
        view, response = live.view, cast("Response | None", chain._chain.latest)
        out = live.context[0].out if live.context is not None else None
        if out is not None:
            bind(view, live.wanted, out, self.shell.user_ns)
        if live.wanted is not None and live.wanted.new_cell and view.state == "done":
            put_in_new_cell(view, self.shell)
        if view.state == "failed" or response is None:
            return
        ending = response._turn.state.ending
        view.finish = None if ending is None else ending.reason
        # Without a context the turn was read from the journal: a cell of another kernel asked it, and no variable waits for it.
        if live.context is None:
            return
        arguments, node = live.context
        if arguments.key is not None and is_typed_key(arguments.key):
            add_remark(view, _KEY_IN_CELL)
        # A turn that was stopped before its first word leaves the conversation as it was.
        if view.state in ("done", "paused") or view.answer or view.limit is not None:
            self.sessions.setdefault(chain._chain.log.origin.notebook, Session()).keep(node, response)


def _origin(execution: Execution, place: int, entered: str, *, keeps: bool) -> Origin:
    return Origin(
        execution.cell_id,
        execution.notebook,
        execution.session,
        text=entered,
        keeps=keeps,
        started_in=execution.started_in,
        place=place,
        cell_text=execution.text,
        number=execution.number,
    )
