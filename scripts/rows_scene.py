"""The scene for the pictures of a run over rows: complaints, the cell that labels them, and a scripted model that states what it costs.

The model is scripted so that the pictures show a price, a failure and a run of some length. Everything else is real.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field

from scripts.picture_scenes import MODEL
from tests.fakes.openai_server import Reply, Request, UntilSet

__all__ = ["LABEL", "SETUP", "Labels"]

_COUNT = 2000
_KINDS = {
    "delivery": "The parcel came two weeks late",
    "payment": "I was charged twice for one order",
    "quality": "The zip broke on the first day",
    "service": "I never got an answer from your shop",
}
SETUP = f"""\
%load_ext llm_notebook
import pandas as pd
texts = {list(_KINDS.values())!r}
df = pd.DataFrame({{"text": [f"{{texts[n % 4]}} (no. {{n:04}})" for n in range({_COUNT})]}})
"""
LABEL = (
    f'%%llm --each df --schema "label, score float" -m {MODEL} --out labelled\n'
    "Which kind of complaint is this? {{ text }}"
)


@dataclass(slots=True)
class Labels:
    """Plays the model: it labels each complaint, and holds the answers after some of them until it is let go on.

    Attributes:
        free: how many are answered at once.
        go_on: lets it answer the others.
    """

    free: int = 1290
    go_on: threading.Event = field(default_factory=threading.Event)
    _asked: int = 0

    def answer(self, request: Request) -> Reply:
        """Return the reply to a request."""
        self._asked += 1
        text = request.json()["messages"][-1]["content"]
        label = next(kind for kind, said in _KINDS.items() if said in text)
        number = int(text.rpartition(" ")[2].removesuffix(")"))
        score = round(0.82 + number % 17 / 100, 2)
        said = "I am not sure." if number % 400 == 4 else json.dumps({"label": label, "score": score})
        choice = {"index": 0, "message": {"role": "assistant", "content": said}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 96, "completion_tokens": 14, "total_tokens": 110, "cost": 0.000168 + number % 7 / 1e6}
        reply = Reply.of_json({"id": "x", "model": MODEL, "choices": [choice], "usage": usage})
        if self._asked > self.free and not self.go_on.is_set():
            reply.pieces[:0] = [UntilSet(self.go_on)]
        return reply
