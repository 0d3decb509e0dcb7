"""Server-side tools that OpenAI runs, for models that speak the Responses API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from llm_notebook.tools.server_side import ServerSideTool

__all__ = ["OpenAICodeInterpreter", "OpenAIFileSearch", "OpenAIImageGeneration", "OpenAIWebSearch"]


class _OpenAITool(ServerSideTool):
    """A tool that OpenAI runs, and whose results the request asks for so that they can be shown.

    Attributes:
        results: the API's name for the tool's results.
    """

    results: ClassVar[str]

    def prepare_request(self, model: object, kwargs: dict[str, Any]) -> None:
        include = kwargs.setdefault("include", [])
        if self.results not in include:
            include.append(self.results)


class OpenAIWebSearch(_OpenAITool):
    """Search the web. The result names the pages that were used, and the answer's metadata says where it quotes them.

    Args:
        search_context_size: how much of the pages the model reads: low, medium or high.
        allowed_domains: the only domains to search.
        country: the country to search from, as two letters such as `NO`.
        city: the city to search from.
    """

    name = "web_search"
    results = "web_search_call.action.sources"

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
    """Run Python that the model writes, in a container at OpenAI.

    Args:
        file_ids: the ids of files that you uploaded to OpenAI, for the code to read.
        container_id: a container that you created; None lets OpenAI create one.
    """

    name = "code_interpreter"
    results = "code_interpreter_call.outputs"

    def __init__(self, *, file_ids: Sequence[str] | None = None, container_id: str | None = None) -> None:
        container: str | dict[str, Any] = container_id or {
            "type": "auto",
            **({"file_ids": list(file_ids)} if file_ids else {}),
        }
        super().__init__({"type": "code_interpreter", "container": container})


class OpenAIFileSearch(_OpenAITool):
    """Search vector stores that you created at OpenAI.

    Args:
        vector_store_ids: the ids of the stores.
        max_num_results: the most pieces of text that the model is given.
    """

    name = "file_search"
    results = "file_search_call.results"

    def __init__(self, *vector_store_ids: str, max_num_results: int | None = None) -> None:
        spec: dict[str, Any] = {"type": "file_search", "vector_store_ids": list(vector_store_ids)}
        if max_num_results is not None:
            spec["max_num_results"] = max_num_results
        super().__init__(spec)


class OpenAIImageGeneration(ServerSideTool):
    """Have pictures made. They are attachments of the answer's message.

    Args:
        size: such as `1024x1024`; None lets the model choose.
        quality: low, medium or high; None lets the model choose.
        output_format: png, jpeg or webp.
        transparent: whether the background is transparent; None lets the model choose.
    """

    name = "image_generation"

    def __init__(
        self,
        *,
        size: str | None = None,
        quality: str | None = None,
        output_format: str | None = None,
        transparent: bool | None = None,
    ) -> None:
        background = None if transparent is None else "transparent" if transparent else "opaque"
        wishes = {"size": size, "quality": quality, "output_format": output_format, "background": background}
        super().__init__(
            {"type": "image_generation", **{name: wish for name, wish in wishes.items() if wish is not None}}
        )
