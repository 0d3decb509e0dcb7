"""Models on an Ollama server."""

from __future__ import annotations

import ipaddress
import os
from functools import partial
from typing import TYPE_CHECKING

from llm_notebook.models.lazy_options import LazyOptions
from llm_notebook.providers.http.models import AsyncHTTPModel, HTTPModel, SyncHTTPModel

if TYPE_CHECKING:
    from llm_notebook.providers.http.documents.attached import Needs
    from llm_notebook.providers.http.wire import Body
    from llm_notebook.turns.prompt import Prompt

__all__ = ["AsyncOllama", "Ollama", "server_address"]


_PORT = 11434
_THIS_MACHINE = f"http://127.0.0.1:{_PORT}"


def server_address(configured: str | None) -> str:
    """Return the address of the server that `OLLAMA_HOST` names, or the usual address on this machine if it names none.

    The scheme and the port may be missing, and the host may be an address to listen on, as for Ollama itself.

    Args:
        configured: the value of `OLLAMA_HOST`.
    """
    text = (configured or "").strip().strip("\"'").rstrip("/")
    if not text:
        return _THIS_MACHINE
    scheme, separator, rest = text.rpartition("://")
    host, slash, path = rest.partition("/")
    bare, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        bare, port = host, ""
    if not port.isdigit():
        port = {"http": "80", "https": "443"}.get(scheme, str(_PORT)) if separator else str(_PORT)
    # A server that listens on all interfaces is reached on the loopback one.
    name = "127.0.0.1" if not bare or _means_all_interfaces(bare) else bare
    return f"{scheme or 'http'}://{name}:{port}{slash}{path}"


def _means_all_interfaces(host: str) -> bool:
    """Return True for `0.0.0.0` and `::`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


class _Ollama(HTTPModel):
    """The part of an Ollama model that is the same with and without `await`."""

    Options = LazyOptions("llm_notebook.providers.ollama.options", "OllamaOptions")
    document_types = frozenset()
    _without_key = ""

    @property
    def address(self) -> str:
        """The given address, or else the one that `OLLAMA_HOST` names when the request is sent."""
        return self.base_url or server_address(os.getenv("OLLAMA_HOST"))

    def _needs_bytes(self, prompt: Prompt) -> Needs:
        return lambda _kind: True

    def _body(self, prompt: Prompt, stream: bool) -> Body:
        from llm_notebook.providers.http.wire import Body  # loaded with the first request
        from llm_notebook.providers.ollama.answers import OllamaDecoder  # loads pydantic_core
        from llm_notebook.providers.ollama.requests import ollama_body_text  # loads pydantic_core

        fields, origin = prompt.options.request_fields(), self.origin
        text = ollama_body_text(prompt, self.model_name, stream=stream, fields=fields, origin=origin)
        return Body("api/chat", text, partial(OllamaDecoder, self.model_id, stream=stream, origin=origin))

    def advice(self, status: int, key: str | None) -> str | None:
        if status == 404:
            return f"`ollama pull {self.model_name}` fetches a model of that name."
        return super().advice(status, key)


class Ollama(_Ollama, SyncHTTPModel):
    """A model on an Ollama server.

    Args:
        model_id: the name that error messages use, and the server's name for the model unless `model_name` is another.
        base_url: the server's address, such as `http://localhost:11434`; None means what `OLLAMA_HOST` names, or else the usual
            address on this machine.
        model_name, key, headers, timeout, total_timeout, max_retries, needs_key, key_env_var, tls: as for `OpenAIChat`.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, reasoning: what the model can do.
    """


class AsyncOllama(_Ollama, AsyncHTTPModel):
    """`Ollama`, used with `await`."""
