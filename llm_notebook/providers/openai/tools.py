"""Tools that OpenAI runs itself, for models that speak the Responses API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from llm_notebook.tools.server_side import ServerSideTool

__all__ = ["OpenAICodeInterpreter", "OpenAIFileSearch", "OpenAIWebSearch"]


class _OpenAITool(ServerSideTool):
    """A tool of OpenAI's; its results are asked for, so that they can be shown."""

    shown: ClassVar[str]

    def prepare_request(self, model: Any, kwargs: dict[str, Any]) -> None:
        include = kwargs.setdefault("include", [])
        if self.shown not in include:
            include.append(self.shown)


class OpenAIWebSearch(_OpenAITool):
    """OpenAI searches the web. The pages it used are in the result, and where the answer quotes them in its metadata.

    Args:
        search_context_size: how much of the pages the model reads: low, medium or high.
        allowed_domains: search these domains only.
        country: two letters of the country to search from, such as `NO`.
        city: the city to search from.
    """

    name = "web_search"
    shown = "web_search_call.action.sources"

    def __init__(
        self,
        *,
        search_context_size: str | None = None,
        allowed_domains: Sequence[str] | None = None,
        country: str | None = None,
        city: str | None = None,
    ) -> None:
        spec: dict[str, Any] = {"type": "web_search"}
        if search_context_size is not None:
            spec["search_context_size"] = search_context_size
        if allowed_domains is not None:
            spec["filters"] = {"allowed_domains": list(allowed_domains)}
        place = {name: value for name, value in (("country", country), ("city", city)) if value is not None}
        if place:
            spec["user_location"] = {"type": "approximate", **place}
        super().__init__(spec)


class OpenAICodeInterpreter(_OpenAITool):
    """OpenAI runs Python that the model writes, in a container of its own.

    Args:
        file_ids: files of yours at OpenAI that the code may read.
        container_id: a container that you made; without it one is made.
    """

    name = "code_interpreter"
    shown = "code_interpreter_call.outputs"

    def __init__(self, *, file_ids: Sequence[str] | None = None, container_id: str | None = None) -> None:
        container: Any = container_id or {"type": "auto", **({"file_ids": list(file_ids)} if file_ids else {})}
        super().__init__({"type": "code_interpreter", "container": container})


class OpenAIFileSearch(_OpenAITool):
    """OpenAI searches vector stores of yours.

    Args:
        vector_store_ids: the stores.
        max_num_results: most pieces of text that the model is given.
    """

    name = "file_search"
    shown = "file_search_call.results"

    def __init__(self, *vector_store_ids: str, max_num_results: int | None = None) -> None:
        spec: dict[str, Any] = {"type": "file_search", "vector_store_ids": list(vector_store_ids)}
        if max_num_results is not None:
            spec["max_num_results"] = max_num_results
        super().__init__(spec)
