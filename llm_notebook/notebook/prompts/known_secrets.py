"""The known secrets of a notebook: stored keys, and environment variables and notebook variables that are named like secrets."""

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
    """Return a scrubber that takes the secrets of a notebook out of texts.

    Args:
        variables: the notebook's variables.
    """
    return Scrubber(known_secrets(load_keys().values(), os.environ, variables))


def removed(scrubber: Scrubber) -> list[Sent]:
    """Return what was removed, in the form in which the record says it."""
    return [Sent(removal.where, removal.what, group="removed") for removal in scrubber.removals]


@dataclass(slots=True)
class LazyScrubber:
    """A scrubber that is made when it is first used: most prompts include nothing that could hold a secret.

    Attributes:
        variables: the notebook's variables.
        made: the scrubber; None until it is used.
    """

    variables: Mapping[str, Any]
    made: Scrubber | None = None

    def __call__(self, where: str = "") -> Scrubber:
        """Return the scrubber. `where` names what it scrubs from now on."""
        if self.made is None:
            self.made = scrubber_for(self.variables)
        self.made.where = where
        return self.made


def scrubbed_value(text: str, source: str, secrets: LazyScrubber) -> str:
    """Return the text of an expression's value without secrets. If the expression is a variable named like a secret, all of it is removed.

    Args:
        text: the text.
        source: the expression.
        secrets: takes secrets out.
    """
    scrubber = secrets(source)
    # `len(api_key)` is not a secret, and a value that is looked up in a dict is recognized by itself.
    return scrubber.scrub_named(source, text) if _PATH.fullmatch(source) else scrubber.scrub(text, is_code=False)
