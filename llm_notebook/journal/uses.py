"""What a turn has used, as the journal sums it up without reading what was said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.parts.messages import Usage

__all__ = ["TurnUse"]


@dataclass(slots=True, frozen=True)
class TurnUse:
    """What one turn used.

    Attributes:
        at: when it began.
        model_id: the model.
        notebook: the notebook's path, as well as that is known; empty if it is not.
        usage: the tokens; None if they are not known.
        duration_ms: how long it took; None if that is not known.
    """

    at: datetime
    model_id: str
    notebook: str
    usage: Usage | None
    duration_ms: int | None
