"""A runner for the examples of a documentation page: unchanged, on both faces and both of OpenAI's wire formats, with their output."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import llm_notebook as llm
from tests.fakes.openai_server import OpenAIServer, Reply, calls_reply, text_reply
from tests.fakes.responses import call_item, message_item, response_reply

__all__ = ["Page"]

_AWAITED = {"execute_tool_calls", "json", "on_done", "reply", "text", "tool_calls", "usage"}
_READ_WITH_ASYNC_FOR = {"chain", "chain_response", "chain.responses()", "response", "response.stream_events()"}
_ASYNC_NAMES = {"get_model": "get_async_model", "Response": "AsyncResponse", "stream_events": "astream_events"}


class Page:
    """One run of the page's examples, which share their variables, with the server that their models are on.

    Args:
        server: the server that answers the models' requests.
        is_async: whether to run every example as the same code for the async face.
        wire: the wire format of the models, "responses" or "chat" (Chat Completions).
    """

    def __init__(self, server: OpenAIServer, *, is_async: bool = False, wire: str = "responses") -> None:
        self.server = server
        self.is_async = is_async
        self.wire = wire
        self.names: dict[str, Any] = {"llm": llm}
        self._runner = asyncio.Runner()

    def run(self, example: str, *replies: Reply, **given: Any) -> str:
        """Run an example, and return what it printed.

        Args:
            example: the code, with any indentation.
            replies: the server's replies to its requests.
            given: variables that the page leaves to its reader.
        """
        self.server.play(*replies)
        self.names |= given
        tree: ast.AST = ast.parse(textwrap.dedent(example))
        if self.is_async:
            tree = _Awaiting().visit(tree)
        code = compile(ast.fix_missing_locations(tree), "the page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # type: ignore[arg-type]
        with _in_place_of_llm(), contextlib.redirect_stdout(io.StringIO()) as printed:
            self.do(eval(code, self.names))
        return printed.getvalue()

    def do(self, result: Any) -> Any:
        """Return the outcome, after awaiting it if need be."""
        return self._runner.run(result) if asyncio.iscoroutine(result) else result

    def says(self, text: str) -> Reply:
        """Return a streamed answer in two pieces."""
        if self.wire == "responses":
            return response_reply(message_item(text))
        return text_reply(text[: len(text) // 2], text[len(text) // 2 :])

    def asks(self, *calls: tuple[str, str, str], text: str = "") -> Reply:
        """Return a streamed answer with tool calls: (name, JSON text of the arguments, id)."""
        if self.wire == "chat":
            return calls_reply(calls, text=text)
        said = [message_item(text)] if text else []
        return response_reply(*said, *[call_item(call_id, name, arguments) for name, arguments, call_id in calls])

    @property
    def sent(self) -> list[dict[str, Any]]:
        """Return the bodies of all requests so far."""
        return [request.json() for request in self.server.requests]

    @property
    def said(self) -> list[tuple[str, str]]:
        """Return the messages in the latest request: (role, text)."""
        messages = self.sent[-1]["messages" if self.wire == "chat" else "input"]
        return [
            (message["role"], _text_of(message["content"]))
            for message in messages
            if message.get("role") in ("system", "user", "assistant") and message["content"]
        ]

    @property
    def results(self) -> dict[str, str]:
        """Return the tool results in the latest request, by call id."""
        if self.wire == "chat":
            return {
                item["tool_call_id"]: item["content"] for item in self.sent[-1]["messages"] if item["role"] == "tool"
            }
        outputs = [item for item in self.sent[-1]["input"] if item["type"] == "function_call_output"]
        return {item["call_id"]: item["output"] for item in outputs}

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """Return the description of each tool in the latest request, by name."""
        told = [tool.get("function", tool) for tool in self.sent[-1]["tools"]]
        return {tool["name"]: tool for tool in told}

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()


def _text_of(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


@contextlib.contextmanager
def _in_place_of_llm() -> Iterator[None]:
    """Let this package be what code imports as `llm`."""
    installed = sys.modules.get("llm")
    sys.modules["llm"] = llm
    try:
        yield
    finally:
        if installed is None:
            del sys.modules["llm"]
        else:
            sys.modules["llm"] = installed


class _Awaiting(ast.NodeTransformer):
    """A rewriting of sync code for the async face."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        return ast.Await(node) if isinstance(node.func, ast.Attribute) and node.func.attr in _AWAITED else node

    def visit_Await(self, node: ast.Await) -> ast.AST:
        return node

    def visit_For(self, node: ast.For) -> ast.AST:
        read = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) == "model.chain"
        read = read or ast.unparse(node.iter) in _READ_WITH_ASYNC_FOR
        self.generic_visit(node)
        return ast.AsyncFor(**dict(ast.iter_fields(node))) if read else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        node.attr = _ASYNC_NAMES.get(node.attr, node.attr)
        return node
