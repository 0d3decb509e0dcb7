"""Keys that were typed into a cell with `--key`: they are masked before the cell's text is stored or compared."""

from __future__ import annotations

import re

from llm_notebook.configuration.keys import Secret, list_keys

__all__ = ["is_typed_key", "masked_text", "without_keys"]

_MASK = "…"
# The option as it may be typed: with a dash of any kind, and a value of one word or in quotation marks of any kind.
_OPTION = re.compile(
    r"""(?<!\S)(?P<option>[-\u2010-\u2015\u2212\ufe58\ufe63\uff0d]{1,2}key)(?P<between>\s*=\s*|[^\S\n]*\\\n\s*|[^\S\n]+)
    (?P<value>"[^"\n]*"|'[^'\n]*'|[\u201c\u201e\u00ab\u2018\u201a][^\n]*?[\u201d\u201c\u00bb\u2019\u2018]|\S+)""",
    re.VERBOSE,
)


def is_typed_key(given: str | None) -> bool:
    """Return whether what was given to `--key` is a key itself, and not the name of a stored one."""
    return given is not None and given not in list_keys()


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
    return _OPTION.sub(lambda found: f"{found['option']}{found['between']}{_MASK}", text)
