"""The magics `%llm` and `%%llm`: they turn what was typed into a chain and show it in the cell, or run a subcommand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from pydantic import ValidationError
from traitlets import Enum

from llm_notebook.configuration.keys import list_keys
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.models.chain_responses import ChainResponse
from llm_notebook.models.model import KeyModel, Model
from llm_notebook.models.responses import Response
from llm_notebook.notebook.actions import Actions
from llm_notebook.notebook.arguments import Arguments, documented, parse_line
from llm_notebook.notebook.commands import setup as commands
from llm_notebook.notebook.commands.grammar import Subcommand, parse_subcommand
from llm_notebook.notebook.commands.journal import JOURNAL_COMMANDS, JournalCommands
from llm_notebook.notebook.display.keyboard import ask_by_keyboard
from llm_notebook.notebook.errors import CellError, QuietHalts, option_sentence
from llm_notebook.notebook.frontend.kernel import cell_identity, current_origin, in_kernel, is_interactive
from llm_notebook.notebook.interpolation import interpolate
from llm_notebook.notebook.live_turns import AskHuman, LiveTurn, LiveTurns, OnPause
from llm_notebook.notebook.question_marks import forget_questions, read_questions
from llm_notebook.notebook.recalling import find_response, read_continued_turn, read_waiting_chain
from llm_notebook.notebook.session import ConversationNode, Session
from llm_notebook.notebook.tools import define_functions, find_tools, read_policy
from llm_notebook.providers.registry import get_model
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.turns.log import Origin

__all__ = ["LLMMagics", "register", "unregister"]

_CHAIN_LIMIT = 10


@magics_class
class LLMMagics(Magics):
    """The magics of one shell and their state.

    Attributes:
        on_pause: whether a pause stops the cells below; set by `%config LLMMagics.on_pause`.
        session: the conversations.
        turns: the turns that can be shown and continued.
        actions: performs what readers do with them.
        halts: keeps CellHalted quiet.
        replaced: other magics named `llm` that these replaced, by their kind.
    """

    shell: InteractiveShell
    on_pause = Enum(
        ["stop", "continue"],
        default_value="stop",
        help="Whether the cells below run although a tool call waits for approval.",
    ).tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.session = Session(lambda cell: read_continued_turn(cell, current_origin(shell, cell, "").notebook))
        self.turns = LiveTurns(shell, self._keep_outcome, on_pause=cast("OnPause", self.on_pause))
        self.observe(lambda change: setattr(self.turns, "on_pause", change["new"]), "on_pause")
        self.actions = Actions(self.turns)
        self.halts = QuietHalts(shell)
        self.replaced: dict[str, Callable[..., object]] = {}

    @no_var_expand
    @needs_local_scope
    @documented
    @line_cell_magic
    def llm(self, line: str, cell: str | None = None, *, local_ns: Mapping[str, Any] | None = None) -> None:
        """Ask a language model; the answer streams into the output of this cell.

        %llm PROMPT            a prompt on one line
        %%llm [options]        a prompt that is the text of the cell
        %llm SUBCOMMAND        models, default, aliases, keys, pending, approve, deny, resume, history, grants, local, help

        {{ expression }} in a prompt becomes the value of a Python expression.
        """
        command = parse_subcommand(line) if cell is None else None
        if command is not None:
            self._run(command)
            return
        try:
            arguments = parse_line(line)
            origin = current_origin(self.shell, cell_identity(self.shell)[0], f"{line}\n{cell or ''}", arguments.keeps)
            if not arguments.new and self._show_waiting(origin):
                return
            turn = self._place(arguments)
            chain = self._chain(arguments, cell, self._names(local_ns), turn, origin)
        except KeyboardInterrupt:
            raise CellError("Stopped by you. Nothing was sent.") from None
        view = TranscriptView(
            chain.prompt.model.model_id,
            show_usage=arguments.usage,
            hide_reasoning=arguments.hide_reasoning,
            show_calls=arguments.show_calls,
        )
        self.turns.show(chain, view, context=(arguments, turn), ask=self._asker(wait=arguments.wait))

    def _run(self, command: Subcommand) -> None:
        if command.name == "act":
            self.actions.act(command.text)
        elif command.name in JOURNAL_COMMANDS:
            JournalCommands(self.turns, self.actions, self._asker()).run(command)
        else:
            commands.run(self.shell, command)

    def _asker(self, *, wait: bool = False) -> AskHuman | None:
        """Return what asks a human by keyboard; None where buttons ask, and where nobody can answer."""
        # In a terminal there are no buttons, and under nbclient nobody can type.
        by_keyboard = (wait or not in_kernel(self.shell)) and is_interactive(self.shell)
        return ask_by_keyboard if by_keyboard else None

    def _show_waiting(self, origin: Origin) -> bool:
        """Show the turn that waits in this cell, if there is one and the text of the cell is unchanged. Return whether it did.

        Running a cell again while it waits shows the question again and does not ask the model.
        """
        if not origin.cell_id or not origin.keeps:
            return False
        # Equal origins mean the same cell with the same text.
        here = [
            turn
            for turn in self.turns.turns.values()
            if turn.is_waiting and turn.chain is not None and turn.chain._chain.log.origin == origin
        ]
        found = here[-1] if here else None
        if found is None and (chain_id := read_waiting_chain(origin)):
            found = self.turns.find(chain_id)
        if found is None:
            return False
        self.turns.show_again(found)
        return True

    def _names(self, local_ns: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the variables that expressions in a prompt see; inside a function, its local ones too."""
        shell = self.shell
        if shell.user_ns is shell.user_global_ns and (local_ns is None or local_ns is shell.user_ns):
            return shell.user_ns
        return {**shell.user_global_ns, **shell.user_ns, **(local_ns or {})}

    def _prompt(self, arguments: Arguments, cell: str | None, names: dict[str, Any]) -> str:
        text = "\n".join(part for part in (arguments.prompt, (cell or "").strip("\n")) if part.strip())
        if not text.strip():
            where = "in the cell, below %%llm" if cell is not None else "after %llm"
            raise CellError(f"There is no prompt: write one {where}. `%llm help` shows how.")
        return text if arguments.raw else interpolate(text, names)

    def _place(self, arguments: Arguments) -> ConversationNode:
        """Return the place in the conversation tree of the prompt that this cell sends."""
        continues = arguments.continue_ and not arguments.new
        turn = self.session.turn(cell_identity(self.shell), continues=continues)
        if arguments.conversation is not None:
            turn.parent = ConversationNode(response=find_response(arguments.conversation))
        return turn

    def _tools(self, arguments: Arguments, names: dict[str, Any]) -> list[Any]:
        tools = find_tools(arguments.tools, names)
        if arguments.functions is not None:
            tools += define_functions(arguments.functions, names)
        return tools

    def _chain(
        self, arguments: Arguments, cell: str | None, names: dict[str, Any], turn: ConversationNode, origin: Origin
    ) -> ChainResponse:
        prompt = self._prompt(arguments, cell, names)
        model = self._model(arguments, turn)
        tools = self._tools(arguments, names)
        policy = read_policy(tools, arguments.approve, always=arguments.ask_always)
        system = arguments.system
        if system is not None and not arguments.raw:
            system = interpolate(system, names)
        conversation = self.session.conversation(turn, model)
        conversation._origin = origin
        try:
            chain = conversation.chain(
                prompt,
                system=system,
                stream=arguments.stream,
                tools=tools,
                chain_limit=_CHAIN_LIMIT if arguments.chain_limit is None else arguments.chain_limit,
                options=arguments.options,
                hide_reasoning=arguments.hide_reasoning,
                key=arguments.key,
            )
        except ValidationError as error:
            raise CellError(option_sentence(error, model.model_id, model.Options.model_fields)) from None
        except ModelError:
            raise
        except ValueError as error:
            raise CellError(f"{error} Nothing was sent.") from None
        chain._chain.plan.policy = policy
        return chain

    def _model(self, arguments: Arguments, turn: ConversationNode) -> Model | KeyModel:
        before = self.session.model_before(turn)
        # A conversation keeps its model until another one is named.
        if arguments.model is None and before is not None:
            return before
        try:
            return get_model(arguments.model)
        except UnknownModelError as error:
            raise CellError(f"{error} Nothing was sent.") from None

    def _keep_outcome(self, live: LiveTurn, chain: ChainResponse) -> None:
        """Keep what outlives a run: the turn in the conversation, the user's variable, and remarks for the reader."""
        view, response = live.view, cast("Response | None", chain._chain.latest)
        # Without a context the turn was read from the journal: a cell of another kernel asked it, and no variable waits for it.
        if live.context is None or view.state == "failed" or response is None:
            return
        arguments, turn = live.context
        if arguments.key is not None and arguments.key not in list_keys():
            view.remarks = [
                "The key in this cell is saved with the notebook. `%llm keys set NAME` keeps it out: then `--key NAME`."
            ]
        view.cut_short = _finish_reason(response.response_json) == "length"
        # A turn that was stopped before its first word leaves the conversation as it was.
        if view.state in ("done", "paused") or view.answer:
            self.session.keep(turn, response)
        if arguments.out is not None:
            self.shell.user_ns[arguments.out] = view.answer


def _finish_reason(response_json: object) -> object:
    """Return why the model stopped, if its raw JSON has the usual shape; a plugin's may have any."""
    match response_json:
        case {"choices": [{"finish_reason": reason}, *_]}:
            return reason
    return None


def register(shell: InteractiveShell) -> None:
    """Register the magics in a shell, and let the journal keep what they ask."""
    unregister(shell)
    magics = LLMMagics(shell)
    magics.replaced = {kind: known["llm"] for kind, known in shell.magics_manager.magics.items() if "llm" in known}
    shell.register_magics(magics)
    process.of(CurrentJournal).keeps = True
    magics.actions.open()
    read_questions(shell)


def unregister(shell: InteractiveShell) -> None:
    """Undo `register()`, and restore other magics of the same name that it replaced."""
    # By name, because after %reload_ext the class is another object than the one that was registered.
    magics = shell.magics_manager.registry.pop("LLMMagics", None)
    if magics is None:
        return
    for kind, known in shell.magics_manager.magics.items():
        known.pop("llm", None)
        known.update({"llm": magics.replaced[kind]} if kind in magics.replaced else {})
    if magics in shell.configurables:
        # Otherwise %config would still offer the traits of the magics that are gone.
        shell.configurables.remove(magics)
    magics.actions.close()
    process.of(CurrentJournal).stop_keeping()
    magics.halts.undo()
    forget_questions(shell)
