"""The secrets that are known in a notebook: stored keys, and what its environment and its variables have under such names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from llm_notebook.configuration.keys import load_keys
from llm_notebook.objects.secrets import Scrubber, known_secrets
from llm_notebook.parts.sent import Sent

__all__ = ["LazyScrubber", "removed", "scrubbed_value", "scrubber_for"]

_PATH = re.compile(r"[\w.]+")


def scrubber_for(variables: Mapping[str, Any]) -> Scrubber:
    """Return what takes secrets out of texts of a notebook.

    Args:
        variables: the notebook's variables.
    """
    return Scrubber(known_secrets(load_keys().values(), os.environ, variables))


def removed(scrubber: Scrubber) -> list[Sent]:
    """Return what was removed, as the record tells it."""
    return [Sent(removal.where, removal.what, group="removed") for removal in scrubber.removals]


@dataclass(slots=True)
class LazyScrubber:
    """A scrubber that is made when it is first used: most prompts bring nothing that could hold a secret.

    Attributes:
        variables: the notebook's variables.
        made: the scrubber; None until it is used.
    """

    variables: Mapping[str, Any]
    made: Scrubber | None = None

    def __call__(self, where: str = "") -> Scrubber:
        """Return the scrubber, which from here on scrubs what is called so."""
        if self.made is None:
            self.made = scrubber_for(self.variables)
        self.made.where = where
        return self.made


def scrubbed_value(text: str, source: str, secrets: LazyScrubber) -> str:
    """Return the text that an expression gives, without secrets; nothing is left of it if it is a variable with the name of a secret.

    Args:
        text: the text.
        source: the expression.
        secrets: takes secrets out.
    """
    scrubber = secrets(source)
    # `len(api_key)` is no secret, and what is looked up in a dict is known by its value.
    return scrubber.scrub_named(source, text) if _PATH.fullmatch(source) else scrubber.scrub(text, is_code=False)
