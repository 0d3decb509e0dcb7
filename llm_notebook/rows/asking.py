"""Makes the questions of a run, asks them, and recognizes those that were answered before."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.errors import ChainLimitReached, JournalError, ModelError, failure_kind
from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
from llm_notebook.models.model import AsyncKeyModel, AsyncModel
from llm_notebook.models.pauses import PauseChain
from llm_notebook.parts.messages import ToolCallPart, json_text
from llm_notebook.providers.catalog.costs import cost_of
from llm_notebook.providers.http.models import HTTPModel
from llm_notebook.rows.errors import RowsError, WorkersGone
from llm_notebook.rows.outcomes import AnswerReader, Outcome
from llm_notebook.rows.plan import Question
from llm_notebook.rows.prompts import RowPrompt, is_missing
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.concurrency.arrivals import outcome_of
from llm_notebook.turns.concurrency.withdrawal import Withdrawn
from llm_notebook.turns.log import ChainLog
from llm_notebook.turns.origin import Origin
from llm_notebook.turns.plan import ChainPlan

if TYPE_CHECKING:
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.journal.runs import RowEntry
    from llm_notebook.models.model import KeyModel, Model
    from llm_notebook.models.responses import AsyncResponse, Response
    from llm_notebook.parts.messages import Usage
    from llm_notebook.rows.executors.remote import RemoteModel
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.turn import Turn

    _Read = Response | AsyncResponse | ChainResponse | AsyncChainResponse

__all__ = ["Asker"]


@dataclass(slots=True)
class Asker:
    """Asks the questions of a run, and holds what they have in common.

    Attributes:
        model: the model that is asked.
        text: the text from which each row's prompt is made.
        base: a prompt with everything that does not depend on the row.
        reader: reads the answers.
        attached: the column whose values are attached to the prompts; None if there is none.
        journal: the journal that keeps what is asked; None if nothing is kept.
        rows_id: the id of the run.
        key: the API key, the name of a stored one, or a function that returns a key.
        chain_limit: how many responses a row may have where there are tools; 0 for no limit, None for the usual one.
        sender: the model that hands the questions to workers, if there are any.
    """

    model: Model | KeyModel | AsyncModel | AsyncKeyModel
    text: RowPrompt
    base: Prompt
    reader: AnswerReader
    attached: str | None
    journal: Journal | None
    rows_id: str
    key: Any = None
    chain_limit: int | None = None
    sender: RemoteModel | None = None

    def question(self, position: int, row: Mapping[str, Any]) -> Question:
        """Return the question of a row.

        Raises:
            RowsError: its prompt cannot be made.
        """
        attachments = self._attachments(row)
        try:
            prompt = self.base.with_turn(self.text.render(row), attachments)
            if attachments:
                self.model._check(prompt)
            if not prompt.messages:
                raise RowsError("Its prompt is empty.")
            return Question(prompt, self._key_of(prompt), [position])
        except RowsError:
            raise
        except (OSError, TypeError, ValueError) as error:
            raise RowsError(str(error)) from None

    def known(self, questions: Sequence[Question], rows_id: str = "") -> dict[str, RowEntry]:
        """Return the earlier answers to questions, by the questions' keys.

        Args:
            questions: the questions.
            rows_id: the run whose answers count; empty for all runs.
        """
        if self.journal is None or not questions:
            return {}
        found = self.journal.rows(list({question.key: None for question in questions}), rows_id)
        # A response that asks for tools is not an answer yet: the process ended before they had run.
        return {
            key: entry for key, entry in found.items() if not (entry.status == "complete" and _asks_for_calls(entry))
        }

    def recall(self, entry: RowEntry) -> Outcome:
        """Return the outcome of an earlier answer or failure."""
        if entry.status == "complete":
            outcome = self.reader.read(entry.output, entry.finish)
        elif entry.status == "interrupted":
            outcome = Outcome(failure="stopped", error=entry.error)
        else:
            outcome = Outcome(failure=entry.failure or "other", error=entry.error)
        outcome.turn_id, outcome.at, outcome.usage = entry.turn_id, entry.at, _known(entry.usage)
        outcome.cost = self._cost_of_rounds(entry) if self.base.tools else self._cost(entry.usage, None, entry.at)
        return outcome

    def response(self, question: Question) -> _Read:
        """Return the lazy response to a question; with tools, the lazy chain."""
        log = ChainLog(self.journal, Origin(request=question.key, rows=self.rows_id))
        plan = ChainPlan(self.model, stream=False, key=self.key)
        if self.base.tools:
            if self.chain_limit is not None:
                plan.chain_limit = self.chain_limit
            return cast("_Read", self.model._chain(question.prompt, plan, log))
        if self.journal is not None:
            log.settings = {"rows": self.rows_id}
        return (self.sender or self.model)._respond(question.prompt, plan, log)

    async def ask(
        self, question: Question, run_in_thread: Callable[[Callable[[], object]], Awaitable[object]]
    ) -> Outcome:
        """Ask a question, and return its outcome.

        Args:
            question: the question.
            run_in_thread: runs a blocking read in a thread, for models without `await`.

        Raises:
            JournalError: the answer cannot be kept.
            WorkersGone: no worker is left to ask it.
        """
        response = self.response(question)
        try:
            read = response._read_all
            if isinstance(self.sender or self.model, AsyncModel | AsyncKeyModel):
                await cast("Awaitable[object]", read())
            else:
                await run_in_thread(read)
        except WorkersGone:
            raise
        except Withdrawn:
            outcome = Outcome(failure="unasked")
        except ModelError as error:
            outcome = Outcome(failure=failure_kind(error), error=str(error))
        except PauseChain as pause:
            asked = pause.tool_call.name if pause.tool_call is not None else "A tool"
            outcome = Outcome(failure="request", error=f"{asked} has asked a human, for whom a row cannot wait.")
        except ChainLimitReached as error:
            outcome = Outcome(failure="ended", error=str(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # The run goes on: what was cancelled is something that the model itself waits for.
            outcome = Outcome(failure="broken", error="The model cancelled the request before its answer was complete.")
        except Exception as error:
            outcome = Outcome(failure="other", error=f"{type(error).__name__}: {error}")
        else:
            state = _turns_of(response)[-1].state
            outcome = self.reader.read(state.answer(), state.ending)
        turns = _turns_of(response)
        if turns and (kept := turns[-1].log.unwaited) is not None:
            # A failure is durable before it counts, too. Where it is not, the run would forget that it may not ask again.
            await outcome_of(kept)
        return self._with_facts(outcome, turns)

    def _with_facts(self, outcome: Outcome, turns: list[Turn]) -> Outcome:
        if not turns:
            return outcome
        for one in turns:
            # Nothing continues a row. Otherwise a turn and its log would hold each other, and each row would be left to the garbage collector.
            one.log.parent = None
        turn = turns[-1]
        outcome.usage = _usage_of(turn)
        costs = [self._cost(_usage_of(one), one.state.response_json, None) for one in turns]
        outcome.cost = _sum(costs)
        outcome.turn_id = turn.turn_id if turn.is_kept else ""
        if self.journal is not None and turn.log.not_saved:
            # An answer that cannot be kept would have to be paid for again.
            raise JournalError(turn.log.not_saved)
        return outcome

    def _cost(self, usage: Any, response_json: object, at: datetime | None) -> float | None:
        return None if usage is None else cost_of(self.model, usage, response_json, at).usd

    def _cost_of_rounds(self, entry: RowEntry) -> float | None:
        """Return the cost of all rounds of a chain that was asked before."""
        turn = None if self.journal is None else self.journal.turn(entry.turn_id)
        if self.journal is None or turn is None:
            return self._cost(entry.usage, None, entry.at)
        rounds = self.journal.chain(turn.begun.chain_id)
        return _sum([self._cost(one.usage, None, one.begun.at) for one in rounds])

    def _attachments(self, row: Mapping[str, Any]) -> list[Any]:
        value = None if self.attached is None else row.get(self.attached)
        return [] if is_missing(value) else [value]

    def _key_of(self, prompt: Prompt) -> str:
        """Return a digest of what is sent for a prompt. Rows with the same digest need to be asked only once."""
        if isinstance(self.model, HTTPModel):
            sent = [text.encode(errors="replace") for text in self.model._sent_ahead(prompt, stream=False)]
        else:
            said = [message.to_dict() for message in prompt.messages]
            tools = [
                [tool.name, tool.description, tool.input_schema] for tool in prompt.tools if isinstance(tool, Tool)
            ]
            sent = [json_text([self.model.model_id, said, prompt.given_options(), prompt.schema, *tools]).encode()]
        return hashlib.sha256(b"\0".join(sent)).hexdigest()


def _turns_of(response: _Read) -> list[Turn]:
    """Return the turns of a response: one, or the rounds of a chain so far."""
    if isinstance(response, ChainResponse | AsyncChainResponse):
        return [one._turn for one in response._chain.responses()]
    return [response._turn]


def _usage_of(turn: Turn) -> Usage | None:
    return _known(turn.state.usage)


def _known(usage: Usage | None) -> Usage | None:
    return None if usage is None or usage.input is None else usage


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _asks_for_calls(entry: RowEntry) -> bool:
    parts = entry.output[-1].parts if entry.output else []
    return any(isinstance(part, ToolCallPart) and not part.server_executed for part in parts)
