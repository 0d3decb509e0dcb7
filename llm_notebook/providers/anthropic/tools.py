"""Tools that Anthropic runs itself, to be given as tools of a prompt to its models.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools
"""

from __future__ import annotations

from typing import Any

from llm_notebook.tools.server_side import ServerSideTool

__all__ = ["CodeExecution", "WebFetch", "WebSearch"]


class WebSearch(ServerSideTool):
    """Search the web.

    Args:
        max_uses: how often at the most in one answer.
        allowed_domains, blocked_domains: search only there, or not there; one of the two.
        user_location: where the results should be of use: `city`, `region`, `country`, `timezone`.
    """

    name = "web_search"

    def __init__(
        self,
        *,
        max_uses: int | None = None,
        allowed_domains: list[str] | None = None,
        blocked_domains: list[str] | None = None,
        user_location: dict[str, str] | None = None,
    ) -> None:
        super().__init__()
        _refuse_both(allowed_domains, blocked_domains)
        self._limits = {
            "max_uses": max_uses,
            "allowed_domains": allowed_domains,
            "blocked_domains": blocked_domains,
            "user_location": user_location and {"type": "approximate", **user_location},
        }

    def tool_spec(self, model: Any) -> dict[str, Any]:
        kind = "web_search_20250305" if _is_before_46(model) else "web_search_20260318"
        return {"type": kind, "name": self.name, **_given(self._limits)}


class WebFetch(ServerSideTool):
    """Read web pages and documents whose addresses are in the conversation.

    Args:
        max_uses: how often at the most in one answer.
        allowed_domains, blocked_domains: read only there, or not there; one of the two.
        citations: have the answer say where what it tells stands.
        max_content_tokens: about how many tokens of a page are read.
    """

    name = "web_fetch"

    def __init__(
        self,
        *,
        max_uses: int | None = None,
        allowed_domains: list[str] | None = None,
        blocked_domains: list[str] | None = None,
        citations: bool = False,
        max_content_tokens: int | None = None,
    ) -> None:
        super().__init__()
        _refuse_both(allowed_domains, blocked_domains)
        self._limits = {
            "max_uses": max_uses,
            "allowed_domains": allowed_domains,
            "blocked_domains": blocked_domains,
            "citations": {"enabled": True} if citations else None,
            "max_content_tokens": max_content_tokens,
        }

    def tool_spec(self, model: Any) -> dict[str, Any]:
        kind = "web_fetch_20250910" if _is_before_46(model) else "web_fetch_20260318"
        return {"type": kind, "name": self.name, **_given(self._limits)}


class CodeExecution(ServerSideTool):
    """Run Python and shell commands in a container of Anthropic's.

    Args:
        container: the id of an earlier answer's container, to go on in it; `response.json()["container"]["id"]`.
    """

    name = "code_execution"

    def __init__(self, *, container: str | None = None) -> None:
        super().__init__()
        self._container = container

    def tool_spec(self, model: Any) -> dict[str, Any]:
        kind = "code_execution_20250825" if _is_before_46(model) else "code_execution_20260521"
        return {"type": kind, "name": self.name}

    def prepare_request(self, model: Any, kwargs: dict[str, Any]) -> None:
        if self._container is not None:
            kwargs["container"] = self._container


def _is_before_46(model: Any) -> bool:
    """True for models of before Claude 4.6, which know only the first versions of these tools."""
    return getattr(model, "thinking", "") in ("", "budget")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _refuse_both(allowed: list[str] | None, blocked: list[str] | None) -> None:
    if allowed is not None and blocked is not None:
        raise ValueError("Give allowed_domains or blocked_domains, not both.")
