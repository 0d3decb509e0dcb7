"""Runs the examples of a page of documentation as they stand there, on both faces, and hears what they print."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import io
import textwrap
from typing import Any

import llm_notebook as llm
from tests.fakes.openai_server import OpenAIServer, Reply

__all__ = ["Page"]

_AWAITED = {"execute_tool_calls", "json", "on_done", "reply", "text", "tool_calls", "usage"}
_READ_WITH_ASYNC_FOR = {"chain", "chain_response", "chain.responses()", "response", "response.stream_events()"}
_ASYNC_NAMES = {"get_model": "get_async_model", "Response": "AsyncResponse", "stream_events": "astream_events"}


class Page:
    """One reader of the page: what the examples above have defined, and the server that the models are on.

    Args:
        server: answers the models' requests.
        is_async: run every example as the same code for the async face.
    """

    def __init__(self, server: OpenAIServer, *, is_async: bool) -> None:
        self.server = server
        self.is_async = is_async
        self.names: dict[str, Any] = {"llm": llm}
        self._runner = asyncio.Runner()

    def run(self, example: str, *replies: Reply, **given: Any) -> str:
        """Run an example; returns what it printed.

        Args:
            example: the code, indented as one likes.
            replies: what the server answers to its requests.
            given: names that the page leaves to its reader.
        """
        self.server.play(*replies)
        self.names |= given
        tree: ast.AST = ast.parse(textwrap.dedent(example))
        if self.is_async:
            tree = ast.fix_missing_locations(_Awaiting().visit(tree))
        code = compile(tree, "the page", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)  # type: ignore[arg-type]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.do(eval(code, self.names))
        return printed.getvalue()

    def do(self, result: Any) -> Any:
        """The outcome, awaited where it has to be."""
        return self._runner.run(result) if asyncio.iscoroutine(result) else result

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The bodies of all requests so far."""
        return [request.json() for request in self.server.requests]

    @property
    def last_messages(self) -> list[dict[str, Any]]:
        """The messages of the latest request."""
        messages: list[dict[str, Any]] = self.sent[-1]["messages"]
        return messages

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()


class _Awaiting(ast.NodeTransformer):
    """The same code for the async face."""

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
