"""What is wanted of the rows: the arguments of `map_rows()`, checked, and the prompt that all rows have in common."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals.marks import policy_of
from llm_notebook.rows.errors import RowsError
from llm_notebook.rows.outcomes import AnswerReader
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.prompt import Prompt

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.rows.flavours import AnyModel
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["Wanted", "base_prompt"]

_TEXTS = MappingProxyType({"system": "a text", "attachments": "the name of one column"})


@dataclass(slots=True, frozen=True)
class Wanted:
    """The arguments of `map_rows()` other than the rows, the prompt and the model. They are documented there."""

    schema: object = None
    system: str | None = None
    options: Mapping[str, Any] | None = None
    attachments: str | None = None
    concurrency: int = 16
    limit_cost: float | None = None
    dedupe: bool = True
    resume: bool = True
    retry: str | None = None
    keep: bool = True
    key: KeySource | None = None
    progress: bool = True
    sample: int | None = None
    tools: Sequence[ToolLike] = ()
    chain_limit: int | None = None
    executor: Executor | None = None
    send_keys: bool = False

    def __post_init__(self) -> None:
        if not _is_whole(self.concurrency):
            raise RowsError(f"concurrency is a whole number of at least 1, not {self.concurrency!r}. Nothing was sent.")
        if self.retry not in (None, "failed"):
            raise RowsError(f'retry takes "failed", not {self.retry!r}. Nothing was sent.')
        if self.limit_cost is not None and not _is_amount(self.limit_cost):
            raise RowsError(f"limit_cost is a number of US dollars above 0, not {self.limit_cost!r}. Nothing was sent.")
        for name, given in (("system", self.system), ("attachments", self.attachments)):
            if given is not None and not isinstance(given, str):
                raise RowsError(f"{name} is {_TEXTS[name]}, not {given!r}. Nothing was sent.")
        if self.options is not None and not isinstance(self.options, Mapping):
            raise RowsError(f'options is a dict such as {{"temperature": 0}}, not {self.options!r}. Nothing was sent.')
        if self.executor is not None and not hasattr(self.executor, "submit"):
            raise RowsError(f"executor is an executor with a method submit(), not {self.executor!r}. Nothing was sent.")
        if self.executor is not None and self.tools:
            raise RowsError("Tools run in this process, so they cannot go with executor=. Nothing was sent.")
        if self.sample is not None and not _is_whole(self.sample):
            raise RowsError(f"sample is a whole number of rows above 0, not {self.sample!r}. Nothing was sent.")


def base_prompt(model: AnyModel, wanted: Wanted, reader: AnswerReader) -> Prompt:
    """Return a prompt with everything that does not depend on the row.

    Raises:
        RowsError: the model does not take what is wanted, or a tool asks a human.
    """
    try:
        base = Prompt(
            "x",
            model,
            system=wanted.system,
            schema=reader.schema,
            tools=wanted.tools,
            options=model.Options(**(wanted.options or {})),
        )
        model._check(base)
    except (TypeError, ValueError) as error:
        raise RowsError(f"{_sentence(error)} Nothing was sent.") from None
    for tool in base.tools:
        if isinstance(tool, Tool) and policy_of(tool) is not None:
            raise RowsError(
                f"{tool.name} asks a human before it runs, for whom rows cannot wait: leave it out, or pass it without"
                " require_approval. Nothing was sent."
            )
    return base


def _is_whole(number: object) -> bool:
    """Return whether it is a whole number above 0, of any library."""
    try:
        return operator.index(number) >= 1  # type: ignore[arg-type]
    except TypeError:
        return False


def _is_amount(number: object) -> bool:
    """Return whether it is a number above 0 to which an amount can be compared."""
    return not isinstance(number, str) and hasattr(number, "__float__") and math.isfinite(number) and float(number) > 0


def _sentence(error: TypeError | ValueError) -> str:
    """Return an error as one sentence. Pydantic writes a paragraph."""
    complaints = getattr(error, "errors", None)
    if not callable(complaints):
        return str(error)
    [first, *_] = complaints()
    return f"The option {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}."
