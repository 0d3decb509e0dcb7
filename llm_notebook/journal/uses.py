"""What a turn has used, as the journal reports it without reading the messages."""

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
        notebook: the notebook's path, as far as it is known, else empty.
        usage: the tokens; None if they are not known.
        duration_ms: how long it took, in milliseconds; None if it is not known.
    """

    at: datetime
    model_id: str
    notebook: str
    usage: Usage | None
    duration_ms: int | None
