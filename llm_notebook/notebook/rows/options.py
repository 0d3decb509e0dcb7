"""Which options of a cell cannot go with `--each`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from llm_notebook.notebook.errors import CellError

if TYPE_CHECKING:
    from llm_notebook.notebook.line.options import Arguments

__all__ = ["refuse_others"]

_ALONE = "Each row is asked by itself."
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "--schema-multi": "--schema says what the answer to each row is.",
        "--retry-schema": "--retry failed asks rows again whose answers did not fit.",
        "-f": "Write the text into the prompt.",
        "--sf": "Write the text after -s.",
        "--at": "-a names a column.",
        "--ta": "Rows cannot wait for a human, so their tools must not ask.",
        "--approve": "Rows cannot wait for a human, so their tools must not ask.",
        "--wait": "Rows cannot wait for a human, so their tools must not ask.",
        "--raw": "Double braces name the columns.",
        "--json": "The frame has what was answered, and `%llm history ID` shows the turn of a row.",
    }
)


def refuse_others(arguments: Arguments) -> None:
    """Refuse options that say something of one answer, or of a conversation."""
    given = {
        "-c": arguments.continue_,
        "--cid": arguments.conversation is not None,
        "--schema-multi": arguments.schema_multi is not None,
        "--retry-schema": bool(arguments.retry_schema),
        "-x": arguments.extract == "first",
        "--xl": arguments.extract == "last",
        "--json": arguments.json,
        "--new-cell": arguments.new_cell,
        "--as": bool(arguments.shown_as),
        "--at": any(kind for _, kind in arguments.attachments),
        "--context": arguments.context is not None,
        "-f": bool(arguments.fragments),
        "--sf": bool(arguments.system_fragments),
        "-t": bool(arguments.templates),
        "-p": bool(arguments.params),
        "--ta": arguments.ask_always,
        "--approve": bool(arguments.approve),
        "--wait": arguments.wait,
        "--raw": arguments.raw,
    }
    for name, is_given in given.items():
        if is_given:
            raise CellError(f"{name} cannot go with --each. {_INSTEAD.get(name, _ALONE)} Nothing was sent.")
    if arguments.form:
        raise CellError(
            f"--out {arguments.out}:{arguments.form} cannot go with --each: the table is of the same kind as the rows."
            " Nothing was sent."
        )
