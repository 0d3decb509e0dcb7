"""What a run of a turn used and cost, and whether the journal holds it. The view shows these facts below the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_notebook.models.key_holder import KeyHolder
from llm_notebook.notebook.running.remarks import KERNEL_ENDS, SESSION_ENDS, add_remark, drop_remarks
from llm_notebook.providers.catalog.costs import cost_of, is_billed, stated_cost, total
from llm_notebook.transcript.usage import add_usage

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.notebook.running.live_turn import LiveTurn
    from llm_notebook.parts.messages import Usage
    from llm_notebook.transcript.view import TranscriptView
    from llm_notebook.turns.log import ChainLog

__all__ = ["Spent", "account_for"]

_MOST_LATEST = 1_000


@dataclass(slots=True)
class Spent:
    """What the answers of this kernel have used, by model. Runs over rows keep their own account.

    Attributes:
        latest: what is added next: the id of a model, and the usage of one of its responses.
    """

    latest: list[tuple[str, Usage]] = field(default_factory=list)
    _sums: dict[str, Usage] = field(default_factory=dict)

    def by_model(self) -> list[tuple[str, Usage]]:
        """Return the id of each model with its usage."""
        while self.latest:
            model_id, usage = self.latest.pop()
            before = self._sums.get(model_id)
            added = usage if before is None else add_usage(before, usage)
            if added is not None:
                self._sums[model_id] = added
        return list(self._sums.items())


def account_for(turn: LiveTurn, chain: ChainResponse, spent: Spent, *, in_kernel: bool) -> None:
    """Note in the view what a run used and cost, and whether the journal holds it.

    Args:
        spent: the account to which the run's usage is added.
        in_kernel: whether the turn runs in a kernel, and not in a terminal.
    """
    view = turn.view
    view.not_saved = chain._chain.log.not_saved
    _say_what_ends(view, chain._chain.log, in_kernel=in_kernel)
    model = chain._chain.plan.model
    # Each run reads another chain, so no round is counted twice.
    for response in chain._chain.responses():
        state = response._turn.state
        if state.status == "done":
            if state.usage is not None:
                spent.latest.append((model.model_id, state.usage))
            view.usage = state.usage if view.usage is None else add_usage(view.usage, state.usage)
            if not view.show_usage or not isinstance(model, KeyHolder):
                continue
            if is_billed(model) or stated_cost(state.response_json) is not None:
                turn.costs.append(cost_of(model, state.usage, state.response_json))
    if len(spent.latest) >= _MOST_LATEST:
        spent.by_model()
    view.cost = total(turn.costs) if view.show_usage else ""


def _say_what_ends(view: TranscriptView, log: ChainLog, *, in_kernel: bool) -> None:
    """If only this process knows a question, as with `-n`, say that it ends with the process."""
    said = KERNEL_ENDS if in_kernel else SESSION_ENDS
    if view.state == "paused" and (log.journal is None or log.not_saved):
        add_remark(view, said)
    elif view.remarks:
        drop_remarks(view, said)
