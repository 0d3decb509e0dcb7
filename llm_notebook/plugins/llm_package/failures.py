"""The conversion of errors that bridged models, tools and loaders raise to the errors of this package."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import llm

from llm_notebook.configuration.keys import get_key, list_keys
from llm_notebook.configuration.scrubbing import WITHHELD, Secrets
from llm_notebook.errors import (
    ConversationNotSupported,
    ModelError,
    NeedsKeyException,
    ProviderError,
    TransportError,
    plain_words,
)
from llm_notebook.models.pauses import PauseChain

__all__ = ["own_errors", "own_pauses"]

_COUNTERPARTS: dict[str, type[ModelError]] = {
    "NeedsKeyException": NeedsKeyException,
    "ConversationNotSupported": ConversationNotSupported,
    "ModelError": ModelError,
}
# The base classes of errors without an answer, in the HTTP clients and SDKs of plugins.
_UNREACHABLE = {"TransportError", "APIConnectionError"}


@contextlib.contextmanager
def own_errors(name: str, *keys: str | None) -> Iterator[None]:
    """Raise errors of the `llm` package as ours, and those of a plugin's HTTP client or SDK as ProviderError or TransportError.

    Some plugins say what is wrong and exit, because they only know the command line. Here that must not end the program, so it becomes a
    ModelError. Every other exception is left unchanged, unless its message contains a secret: a ModelError then says the rest of it.

    Args:
        name: the name of what failed, such as a model's id, for the message.
        keys: the keys that were used. No message shows them, nor any key that is stored.
    """
    try:
        yield
    except ModelError:
        raise
    except (Exception, SystemExit) as error:
        secrets = Secrets.of(keys) | _stored_keys()
        tells = secrets.occur_in(str(error))
        own = _counterpart(error, name, secrets)
        if own is None and not tells:
            raise
        if own is None:
            own = ModelError(f"{name}: {_said(error, secrets)}")
        # The message of a cause is shown too, in a plain traceback.
        raise own.with_traceback(None) from (None if tells else error)


@contextlib.contextmanager
def own_pauses() -> Iterator[None]:
    """Raise a PauseChain of the `llm` package as ours."""
    try:
        yield
    except llm.PauseChain as pause:
        raise PauseChain(*pause.args) from pause


def _stored_keys() -> Secrets:
    """Return the stored keys that can be recognized in a text: a plugin may have used any of them."""
    return Secrets.of(get_key(alias=name) for name in list_keys()).recognizable


def _said(error: BaseException, secrets: Secrets) -> str:
    name = type(error).__name__
    said = " ".join(secrets.scrub(str(error), otherwise=f"{name}: {WITHHELD}.").split())[:500]
    return plain_words(said) or name


def _counterpart(error: BaseException, name: str, secrets: Secrets) -> ModelError | None:
    """Return this package's counterpart of an error; None if there is none.

    Classes are compared by name: their modules are not imported, and some plugins bring an SDK of their own.
    """
    kinds = type(error).__mro__
    for kind in kinds:
        if kind.__module__.partition(".")[0] == "llm" and kind.__name__ in _COUNTERPARTS:
            return _COUNTERPARTS[kind.__name__](secrets.scrub(str(error), otherwise=f"{name}: {WITHHELD}."))
    said = _said(error, secrets)
    if isinstance(error, SystemExit):
        has_words = isinstance(error.code, str) and error.code.strip()
        return ModelError(f"{name}: {said}" if has_words else f"{name} gave up. What the plugin has printed says why.")
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(status, int):
        return ProviderError(f"{name}: {said}", status=status)
    if any(kind.__name__ in _UNREACHABLE for kind in kinds):
        return TransportError(f"{name}: {said}")
    return None
