"""The pause that users raise and catch, and the decisions that they make about it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, cast

from llm_notebook.approvals.requests import ApprovalRequest, Verdict
from llm_notebook.turns.pauses import Pause, PausedChain

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
    from llm_notebook.tools.collecting import ToolLike

    ChainT_co = TypeVar(
        "ChainT_co", bound="ChainResponse | AsyncChainResponse", default="ChainResponse", covariant=True
    )
else:
    from typing import TypeVar

    ChainT_co = TypeVar("ChainT_co", covariant=True)

__all__ = ["PauseChain"]


class PauseChain(Pause, Generic[ChainT_co]):
    """Raise it in a tool to stop the chain without a result for the call, for example until a human has agreed.

    Catch it around a chain to decide: `approve()`, `deny()` and `answer()` return the chain from there on, which runs when it is read, and
    `drop()` lets it end. The chain of an async model continues as an AsyncChainResponse; for type checkers such a pause is a
    `PauseChain[AsyncChainResponse]`.

    Attributes:
        tool_call: the call that paused.
        tool_results: the results of its siblings that have finished.
        messages: the history from which to resume, with those results.
        asked: the first question to a human, or None; `request` is the same and never None.
    """

    @property
    def requests(self) -> list[ApprovalRequest]:
        """Everything that a human is asked about the calls of this turn, in the model's order. Each of them is decided separately."""
        return list(self.paused.requests) if self.paused is not None else []

    @property
    def request(self) -> ApprovalRequest:
        """What a human is asked; the first question if several calls wait.

        Raises:
            ValueError: nothing is asked: the pause has not left a chain, or a hook paused after its call had run.
        """
        if self.asked is None:
            raise ValueError(
                "Nothing is asked here: this pause has not come out of a chain, or its call has run already."
            )
        return self.asked

    def approve(self, arguments: dict[str, Any] | None = None, *, request: ApprovalRequest | None = None) -> ChainT_co:
        """Agree to a call, with edited arguments if given. Returns the chain from here on.

        Args:
            arguments: run the call with these instead.
            request: which of `requests` is decided; `.request` by default. If others wait, decide them before you read the chain: otherwise it
                runs the calls before the first of them and pauses there.

        Raises:
            ToolArgumentError: edited arguments do not fit the tool.
            ValueError: the call has been settled already, or the pause does not ask that.
        """
        return self._decide("approved", request, arguments=arguments)

    def deny(self, reason: str = "", *, request: ApprovalRequest | None = None) -> ChainT_co:
        """Refuse a call; the model reads the reason. Returns the chain from here on, as `approve()` does.

        Raises:
            ValueError: the call has been settled already, or the pause does not ask that.
        """
        return self._decide("denied", request, said=reason)

    def answer(self, output: object, *, request: ApprovalRequest | None = None) -> ChainT_co:
        """Answer in place of the tool. Returns the chain from here on, as `approve()` does.

        Raises:
            ValueError: the call has been settled already, or the pause does not ask that.
        """
        return self._decide("answered", request, said=output)

    def drop(self, *, request: ApprovalRequest | None = None) -> ChainT_co | None:
        """Drop a question: the tool does not run, and the model is not asked.

        Args:
            request: which of `requests` is dropped; `.request` by default.

        Returns:
            The chain from here on if other calls of the turn were decided and this was the last question: the approved calls run when the chain
            is read, and the model continues. Otherwise None.

        Raises:
            ValueError: the call has been settled already, or the pause does not ask that.
        """
        return cast("ChainT_co | None", self._waiting().drop(self._asked(request)))

    def resume(self, tools: Sequence[ToolLike] | None = None) -> ChainT_co:
        """Return the chain from here on. What is not decided is asked again.

        Args:
            tools: tools that had to be created anew; a decision counts only for a tool that has not changed.
        """
        return cast("ChainT_co", self._waiting().resume(tools))

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-safe dict that survives the process; `load_pause()` reads it."""
        paused = self._waiting()
        return {
            "reason": str(self),
            "request": None if self.asked is None else self.asked.to_dict(),
            **paused.to_dict(),
        }

    def _decide(
        self,
        verdict: Verdict,
        request: ApprovalRequest | None,
        *,
        arguments: dict[str, Any] | None = None,
        said: object = "",
    ) -> ChainT_co:
        paused, asked = self._waiting(), self._asked(request)
        return cast("ChainT_co", paused.decide(asked, verdict, arguments=arguments, said=said))

    def _asked(self, request: ApprovalRequest | None) -> ApprovalRequest:
        asked = request or self.asked
        if asked is None:
            raise ValueError("Nothing waits for a decision here: the call has run. resume() goes on.")
        return asked

    def __reduce__(self) -> tuple[object, ...]:
        """Return what is pickled: the result of `to_dict()`, and the model without its key. Tools are passed to `resume()`."""
        if self.paused is None:
            return type(self), self.args, vars(self)
        from llm_notebook.models.stored.loading import load_pause  # which knows pauses itself

        return functools.partial(load_pause, model=cast("Any", self.paused.plan.model)), (self.to_dict(),)

    def _waiting(self) -> PausedChain:
        if self.paused is None:
            raise ValueError("This pause did not come from a chain, so there is nothing to go on with.")
        return self.paused

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows instead of a traceback."""
        way = " Catch it: `except llm.PauseChain as pause`, then pause.approve(), pause.deny(reason) or pause.answer(output)."
        if (number := len(self.requests)) > 1:
            way += f" {number} calls wait: pause.requests holds them, and request= says which is decided."
        return [f"{type(self).__name__}: {self}.{way if self.paused is not None else ''}"]
