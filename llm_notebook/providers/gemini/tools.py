"""Server-side tools that Google runs, to be given as tools of a prompt to Gemini models.

Source: https://ai.google.dev/gemini-api/docs/tools
"""

from __future__ import annotations

from typing import Any, ClassVar

from llm_notebook.tools.server_side import ServerSideTool

__all__ = ["GeminiCodeExecution", "GeminiSearch", "GeminiURLContext"]


class _GeminiTool(ServerSideTool):
    """A tool that Google runs.

    Attributes:
        field: the API's name for it.
    """

    field: ClassVar[str]

    def tool_spec(self, model: object) -> dict[str, Any]:
        return {self.field: {}}

    def prepare_request(self, model: object, kwargs: dict[str, Any]) -> None:
        """Ask for the tool's calls to be reported, from Gemini 3 on. This also allows other tools in the same request."""
        if getattr(model, "thinking", "") == "level":
            config = kwargs.setdefault("toolConfig", {})
            config["includeServerSideToolInvocations"] = True
            config.setdefault("functionCallingConfig", {"mode": "VALIDATED"})


class GeminiSearch(_GeminiTool):
    """Search the web with Google."""

    name = "google_search"
    field = "googleSearch"


class GeminiURLContext(_GeminiTool):
    """Read web pages whose addresses are in the prompt."""

    name = "url_context"
    field = "urlContext"


class GeminiCodeExecution(_GeminiTool):
    """Write and run Python while answering."""

    name = "code_execution"
    field = "codeExecution"
