"""Server-side tools that Anthropic runs, to be given as tools of a prompt to its models.

Source: https://platform.claude.com/docs/en/agents-and-tools/tool-use/server-tools
"""

from __future__ import annotations

from typing import Any

from llm_notebook.tools.server_side import ServerSideTool

__all__ = ["AnthropicCodeExecution", "AnthropicWebFetch", "AnthropicWebSearch"]


class AnthropicWebSearch(ServerSideTool):
    """Search the web.

    Args:
        max_uses: the most searches in one answer.
        allowed_domains, blocked_domains: the only domains to search, or those not to search; one of the two.
        user_location: the place for which results are wanted: `city`, `region`, `country`, `timezone`.
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

    def tool_spec(self, model: object) -> dict[str, Any]:
        kind = "web_search_20250305" if _is_before_46(model) else "web_search_20260318"
        return {"type": kind, "name": self.name, **_given(self._limits)}


class AnthropicWebFetch(ServerSideTool):
    """Read web pages and documents whose addresses are in the conversation.

    Args:
        max_uses: the most pages read for one answer.
        allowed_domains, blocked_domains: the only domains to read from, or those not to read from; one of the two.
        citations: whether the answer cites its sources.
        max_content_tokens: the most tokens of a page that are read, roughly.
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

    def tool_spec(self, model: object) -> dict[str, Any]:
        kind = "web_fetch_20250910" if _is_before_46(model) else "web_fetch_20260318"
        return {"type": kind, "name": self.name, **_given(self._limits)}


class AnthropicCodeExecution(ServerSideTool):
    """Run Python and shell commands in a container at Anthropic.

    Args:
        container: the id of an earlier answer's container, to continue in it: `response.json()["container"]["id"]`.
    """

    name = "code_execution"

    def __init__(self, *, container: str | None = None) -> None:
        super().__init__()
        self._container = container

    def tool_spec(self, model: object) -> dict[str, Any]:
        kind = "code_execution_20250825" if _is_before_46(model) else "code_execution_20260521"
        return {"type": kind, "name": self.name}

    def prepare_request(self, model: object, kwargs: dict[str, Any]) -> None:
        if self._container is not None:
            kwargs["container"] = self._container


def _is_before_46(model: object) -> bool:
    """Return True for a model older than Claude 4.6. Such a model knows only the first versions of these tools."""
    return getattr(model, "thinking", "") in ("", "budget")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _refuse_both(allowed: list[str] | None, blocked: list[str] | None) -> None:
    if allowed is not None and blocked is not None:
        raise ValueError("Give allowed_domains or blocked_domains, not both.")
