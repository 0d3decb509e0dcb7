"""Reads from the options of a cell what it wants of the answer, and refuses what cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.answers.fitting import Fitting
from llm_notebook.answers.frames import is_installed
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.prompts.schemas import find_schema
from llm_notebook.notebook.prompts.wanted import Form, Wanted
from llm_notebook.tools.schemas import multi_schema

if TYPE_CHECKING:
    from llm_notebook.notebook.line.options import Arguments

__all__ = ["read_wanted"]


def read_wanted(arguments: Arguments, names: Mapping[str, Any]) -> Wanted:
    """Return what the options of a cell want of the answer.

    Args:
        arguments: the options.
        names: the variables of the notebook.

    Raises:
        CellError: the options contradict each other, or name what does not exist.
    """
    _require_each(arguments)
    _require_one(arguments)
    wanted = Wanted(
        out=arguments.out,
        form=cast("Form", arguments.form),
        shown_as=arguments.shown_as,
        extract=arguments.extract,
        is_response=arguments.json,
        new_cell=arguments.new_cell,
        retries=arguments.retry_schema,
    )
    option, given = "--schema", arguments.schema
    if given is None:
        option, given = "--schema-multi", arguments.schema_multi
    if given is not None:
        schema, wanted.source = find_schema(given, names, option)
        wanted.item = schema if option == "--schema-multi" else None
        wanted.schema = schema if wanted.item is None else multi_schema(schema)
        _require_usable(schema, wanted.source, option)
    elif arguments.retry_schema:
        raise CellError("--retry-schema needs --schema or --schema-multi. Nothing was sent.")
    if wanted.form in ("pandas", "polars") and not is_installed(wanted.form):
        raise CellError(
            f"--out {wanted.out}:{wanted.form} needs {wanted.form}: `%pip install {wanted.form}`,"
            f" or take --out {wanted.out}:list. Nothing was sent."
        )
    return wanted


def _require_each(arguments: Arguments) -> None:
    """Refuse options that only `--each` has where it is not given.

    Raises:
        CellError: there is such an option.
    """
    given = {
        "--limit-cost": arguments.limit_cost is not None,
        "--sample": arguments.sample is not None,
        "--concurrency": arguments.concurrency is not None,
        "--no-resume": not arguments.resume,
        "--retry": bool(arguments.retry),
    }
    first = next((name for name, is_given in given.items() if is_given), None)
    if first == "--retry":
        raise CellError(
            "--retry needs --each; for an answer that does not fit there is --retry-schema. Nothing was sent."
        )
    if first is not None:
        raise CellError(f"{first} needs --each, which names the rows. Nothing was sent.")


def _require_one(arguments: Arguments) -> None:
    """Refuse options each of which says what the answer is to be."""
    given = {
        "--schema": arguments.schema is not None,
        "--schema-multi": arguments.schema_multi is not None,
        "-x" if arguments.extract == "first" else "--xl": bool(arguments.extract),
        "--json": arguments.json,
    }
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise CellError(f"{names[0]} and {names[1]} exclude each other. Nothing was sent.")


def _require_usable(schema: dict[str, Any], source: object, option: str) -> None:
    try:
        Fitting(schema, source)
    except ValueError as error:
        raise CellError(f"{option} cannot be used: {error} Nothing was sent.") from None
