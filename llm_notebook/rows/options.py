"""The types of what `map_rows()` takes and returns: which table comes back for which, and the keyword arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.rows.flavours import AnyModel
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["Frame", "Row", "RowOptions"]

Row = Mapping[str, Any] | str
"""A row of a list or an iterator: a dict, or a text for the column `text`."""


class Frame(Protocol):
    """A data frame of any library."""

    @property
    def columns(self) -> object: ...


class RowOptions(TypedDict, total=False):
    """The keyword arguments of `map_rows()`, which documents them."""

    schema: object
    model: AnyModel | str | None
    system: str | None
    options: Mapping[str, Any] | None
    attachments: str | None
    concurrency: int
    limit_cost: float | None
    dedupe: bool
    resume: bool
    retry: str | None
    keep: bool
    key: KeySource | None
    progress: bool
    sample: int | None
    tools: Sequence[ToolLike]
    executor: Executor | None
    send_keys: bool
