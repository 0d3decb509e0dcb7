"""Answers what the side panel of a page asks: `{"type": "panel", "ask": ID, "about": SECTION, …}`.

The answer names the question: `{"type": "panel", "answers": ID, "about": SECTION, …}`. If it cannot be given, it holds a sentence instead, as
`problem`. `PanelAnswer` and `PanelQuestion` in `labextension/src/transcript/` say what else is in it.

Whatever waits for a server has a thread of its own, so that the kernel stays free for cells. Everything else is read at once, like the
overview. A key goes from the page to the key file; nothing here ever sends one back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import JournalError, ModelError
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.panel import keeping, reading

if TYPE_CHECKING:
    from llm_notebook.notebook.running.live_turns import LiveTurns

__all__ = ["answer_panel"]

Asked = Mapping[str, Any]
Answer = dict[str, Any]


def answer_panel(turns: LiveTurns, asked: Asked) -> None:
    """Answer a question of a page, which may have any shape.

    Args:
        turns: the turns of this kernel.
        asked: the question.
    """
    about = asked.get("about")
    question = asked.get("ask")
    answer = _ANSWERS.get(about) if isinstance(about, str) else None
    if answer is None or not isinstance(question, str):
        return

    def tell() -> None:
        turns.tell({"type": "panel", "answers": question, "about": about, **_answered(answer, turns, asked)})

    if about in _SLOW:
        threading.Thread(target=tell, name="llm_notebook panel", daemon=True).start()
    else:
        tell()


def _answered(answer: Callable[[LiveTurns, Asked], Answer], turns: LiveTurns, asked: Asked) -> Answer:
    try:
        return answer(turns, asked)
    except (JournalError, ModelError, CellError, OSError) as error:
        return {"problem": str(error)}
    except ValueError:  # such as a NUL in a path; its words might quote a key
        return {"problem": "This cannot be answered: the question holds characters that cannot be used."}


_ANSWERS: Mapping[str, Callable[[LiveTurns, Asked], Answer]] = MappingProxyType(
    {
        "waiting": reading.waiting,
        "runs": reading.runs,
        "conversations": reading.conversations,
        "conversation": reading.conversation,
        "export": reading.export,
        "usage": reading.usage,
        "models": keeping.models,
        "keys": keeping.keys,
        "store-key": keeping.store,
        "remove-key": keeping.remove,
        "local": keeping.local,
        "install": keeping.install,
        "cancel": keeping.cancel,
        "remove-model": keeping.remove_model,
    }
)
_SLOW = frozenset({"store-key", "remove-model"})
