"""Tools that Google runs itself, to be given as tools of a prompt to Gemini models.

Source: https://ai.google.dev/gemini-api/docs/tools
"""

from __future__ import annotations

from typing import Any, ClassVar

from llm_notebook.tools.server_side import ServerSideTool

__all__ = ["CodeExecution", "GoogleSearch", "URLContext"]


class _GeminiTool(ServerSideTool):
    """A tool of Google's.

    Attributes:
        field: what the API calls it.
    """

    field: ClassVar[str]

    def tool_spec(self, model: Any) -> dict[str, Any]:
        return {self.field: {}}

    def prepare_request(self, model: Any, kwargs: dict[str, Any]) -> None:
        """From Gemini 3 on, have the tool's own calls told, which also lets it stand beside other tools."""
        if getattr(model, "thinking", "") == "level":
            config = kwargs.setdefault("toolConfig", {})
            config["includeServerSideToolInvocations"] = True
            config.setdefault("functionCallingConfig", {"mode": "VALIDATED"})


class GoogleSearch(_GeminiTool):
    """Search the web with Google."""

    name = "google_search"
    field = "googleSearch"


class URLContext(_GeminiTool):
    """Read web pages whose addresses are in the prompt."""

    name = "url_context"
    field = "urlContext"


class CodeExecution(_GeminiTool):
    """Write and run Python while answering."""

    name = "code_execution"
    field = "codeExecution"
