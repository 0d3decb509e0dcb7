"""`%llm` and `%%llm`: from what was typed to an answer in the cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope, no_var_expand
from pydantic import ValidationError

from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.keys import list_keys
from llm_notebook.models import KeyModel, Model
from llm_notebook.notebook import commands
from llm_notebook.notebook.actions import Actions
from llm_notebook.notebook.arguments import Arguments, documented, parsed_line, subcommand
from llm_notebook.notebook.errors import CellError, QuietHalts, option_sentence
from llm_notebook.notebook.input import forget_questions, read_questions
from llm_notebook.notebook.interpolation import interpolated
from llm_notebook.notebook.kernel import cell_identity
from llm_notebook.notebook.session import Session, Turn
from llm_notebook.notebook.turns import LiveTurn, LiveTurns
from llm_notebook.registry import get_model
from llm_notebook.responses import Response
from llm_notebook.transcript.view import TranscriptView

__all__ = ["LLMMagics", "register", "unregister"]


@magics_class
class LLMMagics(Magics):
    """The magics and what they remember."""

    shell: InteractiveShell

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.session = Session()
        self.turns = LiveTurns(shell, self._settled)
        self.actions = Actions(self.turns)
        self.halts = QuietHalts(shell)
        self.replaced: dict[str, Any] = {}

    @no_var_expand
    @needs_local_scope
    @documented
    @line_cell_magic
    def llm(self, line: str, cell: str | None = None, *, local_ns: Mapping[str, Any] | None = None) -> None:
        """Ask a language model; the answer streams into the output of this cell.

        %llm PROMPT            a prompt on one line
        %%llm [options]        a prompt that is the text of the cell
        %llm SUBCOMMAND        models, default, aliases, keys, local install, help

        {{ expression }} in a prompt becomes the value of a Python expression.
        """
        command = subcommand(line) if cell is None else None
        if command is not None:
            commands.run(self.shell, command)
            return
        try:
            arguments = parsed_line(line)
            turn = self.session.turn(cell_identity(self.shell), continues=arguments.continue_ and not arguments.new)
            response = self._response(arguments, cell, self._names(local_ns), turn)
        except KeyboardInterrupt:
            raise CellError("Stopped by you. Nothing was sent.") from None
        self._show(response, arguments, turn)

    def _names(self, local_ns: Mapping[str, Any] | None) -> dict[str, Any]:
        """The variables that expressions in a prompt see; inside a function, its own too."""
        shell = self.shell
        if shell.user_ns is shell.user_global_ns and (local_ns is None or local_ns is shell.user_ns):
            return shell.user_ns
        return {**shell.user_global_ns, **shell.user_ns, **(local_ns or {})}

    def _prompt(self, arguments: Arguments, cell: str | None, names: dict[str, Any]) -> str:
        text = "\n".join(part for part in (arguments.prompt, (cell or "").strip("\n")) if part.strip())
        if not text.strip():
            where = "in the cell, below %%llm" if cell is not None else "after %llm"
            raise CellError(f"There is no prompt: write one {where}. `%llm help` shows how.")
        return text if arguments.raw else interpolated(text, names)

    def _response(self, arguments: Arguments, cell: str | None, names: dict[str, Any], turn: Turn) -> Response:
        prompt = self._prompt(arguments, cell, names)
        model = self._model(arguments, turn)
        system = arguments.system
        if system is not None and not arguments.raw:
            system = interpolated(system, names)
        try:
            return self.session.conversation(turn, model).prompt(
                prompt,
                system=system,
                stream=arguments.stream,
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

    def _model(self, arguments: Arguments, turn: Turn) -> Model | KeyModel:
        before = self.session.model_before(turn)
        if arguments.model is None and before is not None:
            return before
        try:
            return get_model(arguments.model)
        except UnknownModelError as error:
            raise CellError(f"{error} Nothing was sent.") from None

    def _show(self, response: Response, arguments: Arguments, turn: Turn) -> None:
        view = TranscriptView(
            response.model.model_id, show_usage=arguments.usage, hide_reasoning=arguments.hide_reasoning
        )
        self.turns.show(response, view, context=(arguments, turn))

    def _settled(self, live: LiveTurn, response: Response) -> None:
        if live.context is not None:
            arguments, turn = live.context
            self._settle(response, live.view, arguments, turn)

    def _settle(self, response: Response, view: TranscriptView, arguments: Arguments, turn: Turn) -> None:
        """What outlives the turn: the conversation, the user's variable, and what its end says about it."""
        if view.state == "failed":
            return
        if arguments.key is not None and arguments.key not in list_keys():
            view.remarks = [
                "The key in this cell is saved with the notebook. `%llm keys set NAME` keeps it out: then `--key NAME`."
            ]
        view.cut_short = _finish_reason(response.response_json) == "length"
        if view.state == "done":
            view.usage = response.usage()
        if view.state == "done" or view.answer:
            self.session.answered(turn, response)
        if arguments.out is not None:
            self.shell.user_ns[arguments.out] = view.answer


def _finish_reason(response_json: Any) -> Any:
    """Why the model stopped, where its raw JSON has the usual shape; a plugin's may have any."""
    match response_json:
        case {"choices": [{"finish_reason": reason}, *_]}:
            return reason
    return None


def register(shell: InteractiveShell) -> None:
    """Make the magics known to this shell."""
    unregister(shell)
    magics = LLMMagics(shell)
    magics.replaced = {kind: known["llm"] for kind, known in shell.magics_manager.magics.items() if "llm" in known}
    shell.register_magics(magics)
    magics.actions.open()
    read_questions(shell)


def unregister(shell: InteractiveShell) -> None:
    """Take the magics away again; others of the same name that they replaced come back."""
    magics = shell.magics_manager.registry.pop("LLMMagics", None)
    if magics is None:
        return
    for kind, known in shell.magics_manager.magics.items():
        known.pop("llm", None)
        known.update({"llm": magics.replaced[kind]} if kind in magics.replaced else {})
    magics.actions.close()
    magics.halts.undo()
    forget_questions(shell)
