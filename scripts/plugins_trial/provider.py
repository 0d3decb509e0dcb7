"""Serves the scripted providers from one real HTTP server on loopback, and redirects the plugins' requests to it."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from scripts.plugins_trial.replies import WIRES

__all__ = ["Provider"]

# Most of the plugins have the address of their provider built in, so requests are redirected by host.
_HOSTS = {
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "api.mistral.ai": "chat",
    "api.deepseek.com": "chat",
    "api.groq.com": "chat",
    "api.cerebras.ai": "chat",
    "api.x.ai": "chat",
    "api.moonshot.ai": "chat",
    "localhost": "chat",
    "openrouter.ai": "openrouter",
    "api.github.com": "github",
    "raw.githubusercontent.com": "github",
}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that close a connection, as some do with one that they kept."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Provider:
    """A running server, which ends with the process.

    Attributes:
        requests: the JSON bodies of the requests, oldest first.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, wire: str) -> str:
        """Return the address of one of the providers on this server."""
        return f"http://127.0.0.1:{self._server.server_port}/{wire}"

    def redirect(self, library: Any) -> None:
        """Make a library, httpx or its successor, send requests for the providers to this server."""
        for transport, name in (
            (library.HTTPTransport, "handle_request"),
            (library.AsyncHTTPTransport, "handle_async_request"),
        ):
            setattr(transport, name, self._redirecting(getattr(transport, name)))

    def _redirecting(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def send_here(transport: Any, request: Any) -> Any:
            wire = _HOSTS.get(request.url.host)
            if wire is not None:
                path = f"/{wire}".encode() + request.url.raw_path
                port = self._server.server_port
                request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port, raw_path=path)
                request.headers["host"] = f"127.0.0.1:{port}"
            return send(transport, request)

        return send_here

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                requests.append(body)
                _, wire, path = self.path.partition("?")[0].split("/", 2)
                reply = WIRES[wire](f"/{path}", body)
                self.send_response(reply.status)
                self.send_header("content-type", reply.content_type)
                self.send_header("content-length", str(len(reply.body)))
                self.send_header("retry-after", "0")
                self.end_headers()
                self.wfile.write(reply.body)

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: Any) -> None:
                """Write no log: the table shows the results."""

        return Handler
