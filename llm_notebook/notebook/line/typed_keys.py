"""Keys that were typed into a cell with `--key`: they are masked before the cell's text is stored, compared or shown in a traceback."""

from __future__ import annotations

from contextlib import suppress

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.keys import Secret, list_keys
from llm_notebook.configuration.scrubbing import Secrets
from llm_notebook.notebook.line.typed import read_value, value_places

__all__ = ["hide_typed_keys", "is_typed_key", "masked_text", "without_keys"]

_MASK = "…"


def is_typed_key(given: str) -> bool:
    """Return whether what was given to `--key` is a key itself, and not the name of a stored one."""
    return given not in list_keys()


def masked_text(text: str, given: Secret | str | None) -> str:
    """Return the text of a prompt's options and cell without the key in it.

    Args:
        text: what the user typed.
        given: the value of `--key`; None if there was none.
    """
    if given is None or not is_typed_key(given):
        return text
    return without_keys(text).replace(str(given), _MASK)


def without_keys(text: str) -> str:
    """Return a text in which whatever follows `--key` is masked, so that texts that differ only in it are equal."""
    for start, end in reversed(value_places(text, "--key")):
        text = text[:start] + _MASK + text[end:]
    return text


def hide_typed_keys(error: Exception, typed: str, shell: InteractiveShell) -> None:
    """Let the traceback of an unexpected error show the line that was typed without the key in it.

    Args:
        error: the error, which does not draw itself.
        typed: the line and the cell.
        shell: shows the traceback.
    """
    if (keys := _keys_in(typed)).values:
        _hide(error, keys, shell)


def _keys_in(text: str) -> Secrets:
    found = filter(None, (_value(text[start:end]) for start, end in value_places(text, "--key")))
    return Secrets.of(key for key in found if is_typed_key(key))


def _value(typed: str) -> str | None:
    try:
        return read_value(typed)[0]
    except ValueError:
        # The quotation mark at its beginning is never closed.
        return typed[1:]


def _hide(error: Exception, keys: Secrets, shell: InteractiveShell) -> None:
    def render() -> list[str]:
        """Return what IPython shows instead of its own traceback: the same, without the keys."""
        lines = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__, tb_offset=1)
        return [keys.scrub(line, otherwise="") for line in lines] if not keys.withhold else [type(error).__name__]

    # Some exceptions take no further attributes; then there is nothing to be done.
    with suppress(AttributeError):
        error._render_traceback_ = render  # type: ignore[attr-defined]
