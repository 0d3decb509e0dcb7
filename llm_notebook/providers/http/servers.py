"""The servers of models: their address, key and headers, the requests to them, and advice when they refuse."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from llm_notebook.configuration.keys import KeySource, Secret, get_key, hidden
from llm_notebook.configuration.scrubbing import (
    Secrets,
    is_harmless_header,
    secrets_in_headers,
    secrets_in_url,
    shown_url,
    without_secrets,
)
from llm_notebook.errors import ModelError, NeedsKeyException
from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.providers.catalog.names import closest_names

if TYPE_CHECKING:
    from llm_notebook.providers.http.wire import TLSSettings, WireRequest

__all__ = ["OPENAI_URL", "OpenAIServer", "Server", "join_address"]

OPENAI_URL = "https://api.openai.com/v1"
_STORED_KEY = re.compile(r"\$\{([^${}]+)\}")


class Server(KeyHolder):
    """A model's server: where it is, and how requests to it are made.

    Args:
        model_id: the model's name in error messages.
        base_url: the server's address up to and including its version; None means the provider's own server.
        model_name: the server's name for the model, if it differs from `model_id`.
        key, headers, timeout, max_retries, needs_key, key_env_var, tls, total_timeout: as for `HTTPModel`.

    Attributes:
        provider: the provider whose catalogue has the model; None for a model on any other server.
        home: what applies if no `base_url` is given: the address, the name of the stored key and its environment variable.

    Raises:
        ValueError: `base_url` is not an address.
    """

    home: ClassVar[tuple[str, str | None, str | None]] = ("", None, None)
    provider: str | None = None

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str | None,
        model_name: str | None,
        key: KeySource | None,
        headers: dict[str, str] | None,
        timeout: float | None,
        max_retries: int,
        needs_key: str | None,
        key_env_var: str | None,
        tls: TLSSettings | None = None,
        total_timeout: float | None = None,
    ) -> None:
        if base_url is not None:
            _check_address(base_url)
        else:
            self.provider = self.home[1]
            needs_key, key_env_var = needs_key or self.home[1], key_env_var or self.home[2]
        self.model_id = model_id
        self.model_name = model_name or model_id
        self.base_url = _trimmed(base_url) if base_url is not None else None
        self.key = hidden(key)
        self.headers = {name: Secret(value) for name, value in (headers or {}).items()}
        self.timeout = timeout
        self.total_timeout = total_timeout
        self.max_retries = max_retries
        self.needs_key = needs_key
        self.key_env_var = key_env_var
        self.tls = tls

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled. A header may hold a secret, unless it only names a stored key or is known to be harmless."""
        state = super().__getstate__()
        kept = {name: value for name, value in self.headers.items() if _may_travel(name, value)}
        missing = [f"header {name!r}" for name in self.headers if name not in kept]
        base_url = None if self.base_url is None else without_secrets(self.base_url)
        if base_url != self.base_url:
            missing.append("secret in base_url")
        return state | {
            "headers": kept,
            "base_url": base_url,
            "_left_behind": (*state.get("_left_behind", ()), *missing),
        }

    @property
    def address(self) -> str:
        """The address of the server, without the path of a request."""
        return self.base_url or self.home[0]

    @property
    def origin(self) -> str:
        """The server and the model as a text that says where an answer came from. It holds no secret."""
        return f"{_place_of(self.address)} {self.model_name}"

    def key_headers(self, key: str) -> dict[str, str]:
        """Return the headers that carry the key."""
        return {"authorization": Secret(f"Bearer {key}")}

    def wire_request(self, path: str, body: str, key: str | None) -> WireRequest:
        """Build the request that sends this body.

        Args:
            path: the path under the server's address.
            body: JSON text.
            key: the API key, if there is one.

        Raises:
            ModelError: a header cannot be sent.
            NeedsKeyException: a header names a key that is not stored.
        """
        from llm_notebook.providers.http.wire import WireRequest  # loaded with the first request

        named = {name: self._stored_key(name) for text in self.headers.values() for name in _STORED_KEY.findall(text)}
        headers = {
            name: _header_value(_filled_in(text, named), f"header {name!r}", self.model_id)
            for name, text in self.headers.items()
        }
        if key:
            value = _header_value(key, "key", self.model_id)
            headers |= {name: Secret(text) for name, text in self.key_headers(value).items()}
        url = join_address(self.address, path)
        secrets = Secrets.of([key, *named.values()]) | secrets_in_headers(headers) | secrets_in_url(url)
        return WireRequest(
            url=url,
            # Text may contain half an emoji, which UTF-8 cannot encode.
            body=body.encode(errors="replace"),
            headers=dict(headers),
            secrets=secrets,
            sender=self.model_id,
            advise=self.advice,
            key=Secret(key) if key else None,
        )

    def _stored_key(self, name: str) -> Secret:
        """Return the stored key, or the environment variable, that a header names.

        Raises:
            NeedsKeyException: there is none.
        """
        found = get_key(alias=name, env=name)
        if found is None:
            raise NeedsKeyException(
                f"{self.model_id}: a header names the key {name!r}, which is not stored, so nothing was sent: "
                f"`%llm keys set {name}` stores it."
            )
        return found

    def advice(self, status: int, key: str | None) -> str | None:
        """Return what to do about an error status; None if there is nothing better to say than for any server."""
        if status in (401, 403):
            return (
                self._key_advice(key) if status == 401 else f"Check what the key may do, and {self._key_origin(key)}."
            )
        if status == 404:
            return closest_names(self.model_name, self._names_of_provider()).strip() or None
        return None

    def _names_of_provider(self) -> list[str]:
        """Return the provider's names for its models, as far as they are known."""
        if self.provider is None:
            return []
        from llm_notebook.providers.catalog.lists import known_names  # only an error needs it

        return known_names(self.provider)

    def _key_advice(self, key: str | None) -> str:
        if key:
            return f"Check the key: {self._key_origin(key)}."
        if self._left_behind:
            return (
                f"A pickle leaves behind what may be secret, here the {' and the '.join(self._left_behind)}: give the model needs_key= or "
                "key_env_var=, and write a header's value as ${NAME}."
            )
        if self.needs_key:
            return f"It wants a key: `%llm keys set {self.needs_key}` stores one."
        return "It wants a key, and none was sent: give the model key= or needs_key= (`api_key_name` in an endpoints file)."

    def _key_origin(self, key: str | None) -> str:
        """Return where the key came from, as the end of a sentence."""
        if key is None:
            return "that one is sent"
        if callable(self.key):
            return "it is what the function returned that was given as key="
        if self.key is not None:
            return "it is the one that the model was made with"
        if self.needs_key and get_key(alias=self.needs_key) == key:
            return f"it is the one stored as {self.needs_key!r}; `%llm keys set {self.needs_key}` replaces it"
        if self.key_env_var and key == (os.getenv(self.key_env_var) or "").strip():
            return f"it is the one in the environment variable {self.key_env_var}"
        return "it is the one that was passed as key="


class OpenAIServer(Server):
    """OpenAI's own server, the gateway that `OPENAI_BASE_URL` names, or any other server that speaks OpenAI's protocols."""

    home = (OPENAI_URL, "openai", "OPENAI_API_KEY")

    @property
    def address(self) -> str:
        """The given address, or else that of the gateway in `OPENAI_BASE_URL`, which OpenAI's own client reads too.

        Raises:
            ModelError: the variable does not hold an address.
        """
        given = "" if self.base_url is not None else os.getenv("OPENAI_BASE_URL", "").strip()
        if not given:
            return super().address
        try:
            _check_address(given)
        except ValueError:
            raise ModelError(
                f"OPENAI_BASE_URL must be an address such as {OPENAI_URL}, not {shown_url(given)!r}; nothing was sent."
            ) from None
        return _trimmed(given)

    @property
    def is_behind_gateway(self) -> bool:
        """True if no address was given and the environment names another server than OpenAI's."""
        return self.base_url is None and self.address != OPENAI_URL


@functools.lru_cache(maxsize=64)
def _place_of(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.hostname or ''}{parts.path}"


def join_address(address: str, path: str) -> str:
    """Return the address of a path under a server's address. A query of the server's goes with every request.

    Args:
        address: the server's address, such as `https://example.com/openai?api-version=1`.
        path: the path under it, which may have a query too.
    """
    base, _, query = address.partition("?")
    path, _, own_query = path.partition("?")
    queries = "&".join(filter(None, (query, own_query)))
    return f"{base.rstrip('/')}/{path}" + (f"?{queries}" if queries else "")


def _trimmed(address: str) -> str:
    """Return an address without the slash at the end of its path."""
    base, mark, query = address.partition("?")
    return f"{base.rstrip('/')}{mark if query else ''}{query}"


def _filled_in(text: str, named: Mapping[str, Secret]) -> Secret:
    """Return a header's value with the keys in place of their names."""
    return Secret(_STORED_KEY.sub(lambda found: named[found[1]], text))


def _may_travel(name: str, value: str) -> bool:
    """Return whether a pickle may hold a header: it says something harmless, or it is only the name of a stored key."""
    return is_harmless_header(name) or _STORED_KEY.fullmatch(value.rpartition(" ")[2]) is not None


def _header_value(value: str, what: str, sender: str) -> Secret:
    """Return a header's value without the white space around it.

    Raises:
        ModelError: it holds characters that no header can carry. The message does not show it.
    """
    value = Secret(value.strip())
    if not value.isascii() or not value.isprintable():
        raise ModelError(f"{sender}: the {what} holds characters that cannot be sent; nothing was sent.")
    return value


def _check_address(base_url: str) -> None:
    """Check that this is the address of an HTTP server.

    Raises:
        ValueError: it is not.
    """
    try:
        address = urlsplit(base_url)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
        usable = usable and not address.fragment
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"base_url must be an address such as http://localhost:8080/v1, not {shown_url(base_url)!r}.")
