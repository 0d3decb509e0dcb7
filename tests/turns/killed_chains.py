"""A chain under a policy, killed after any of its journal's operations, and the processes that go on with what it left.

`python -m tests.turns.killed_chains FOLDER HOW` starts processes that ask with a policy and a marked tool, and are killed once 1, 2, 3, …
operations are durable, until one is through before that. After each kill two more processes go on, as kernels do after a restart, with a
tool that is not marked. Two calls wait at the same time, those of /a and /b. HOW says how they are decided:

- `first`: the first question, then the chain is read. The call of /a is approved and every other one denied.
- `each`: every question by itself before the chain is read, with the same decisions.
- `together`: all questions in one transaction, in which they are approved. What comes alone is denied.
- `nested`: as `first`, but the calls are those of a chain inside a tool.

Prints as JSON, for each kill, what was approved and what ran.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llm_notebook as llm
from llm_notebook.approvals.policy import ChainPolicy
from llm_notebook.journal.sqlite import SQLiteJournal
from tests.fakes.faces import Face, asks

__all__ = ["main"]

CALLS = [llm.ToolCall("delete", {"path": path}, path) for path in ("/a", "/b")]
LATER = llm.ToolCall("delete", {"path": "/c"}, "/c")


class Session:
    """What each of the processes does."""

    def __init__(self, folder: Path, how: str) -> None:
        self.folder = folder
        self.how = how

    def delete(self) -> Callable[..., Any]:
        folder = str(self.folder)

        def delete(path: str) -> str:
            with open(f"{folder}/ran", "a") as file:
                file.write(f"{path}\n")
                file.flush()
                os.fsync(file.fileno())
            return "deleted"

        return delete

    def read(self, chain: Any) -> None:
        """Read a chain to its end, deciding about every question."""
        for _ in range(20):
            try:
                chain.text()
            except llm.PauseChain as pause:
                chain = self.decide(pause)
            else:
                return
        raise AssertionError("there is always one more question")

    def decide(self, pause: llm.PauseChain) -> Any:
        assert pause.paused is not None
        requests = [request for request in pause.requests if _is_open(pause, request)]
        assert all(request.destructive for request in requests), "the policy was lost"
        if self.how == "together" and len(requests) > 1 and not any(request.outcome_unknown for request in requests):
            self.note_approved(*requests)
            assert pause.paused.settle_together(requests, "approved")
            return pause.resume()
        for request in requests[:1] if self.how == "first" else requests:
            self.decide_one(pause, request)
        return pause.resume()

    def decide_one(self, pause: llm.PauseChain, request: llm.ApprovalRequest) -> None:
        if request.outcome_unknown:
            pause.answer("gone?", request=request)
        elif request.tool_call_id != "/a" or self.how == "together":
            pause.deny("no", request=request)
        else:
            self.note_approved(request)
            pause.approve(request=request)

    def note_approved(self, *requests: llm.ApprovalRequest) -> None:
        with (self.folder / "approved").open("a") as file:
            file.writelines(f"{request.tool_call_id}\n" for request in requests)

    def ask(self) -> None:
        tool = llm.require_approval(self.delete(), destructive=True)
        chain = Face().rounds(asks(*CALLS), asks(LATER), "done").chain("Tidy up", tools=[tool])
        chain._chain.plan.policy = ChainPolicy(always=True)
        self.read(chain)

    def go_on(self) -> None:
        for _ in range(10):
            waiting = llm.pending()
            if not waiting:
                return
            [pause] = waiting[:1]
            model = Face().rounds(asks(LATER), "done") if pause.request.tool_call_id != "/c" else Face().rounds("done")
            self.decide(pause)
            self.read(llm.resume(pause.request.id, tools=[self.delete()], model=model))


class NestedSession(Session):
    """The same with a chain inside a tool, whose body is entered again until it is through."""

    def ask(self) -> None:
        self.read(self.outer().chain("Tidy up", tools=[self.tidy()]))

    def outer(self) -> Any:
        return _answering(asks(llm.ToolCall("tidy", {}, "tidy")), "done")

    def tidy(self) -> Callable[..., Any]:
        tool = llm.require_approval(self.delete(), destructive=True)

        def tidy() -> Any:
            return _answering(asks(*CALLS), asks(LATER), "tidied").chain("Tidy", tools=[tool]).text()

        return tidy

    def decide(self, pause: llm.PauseChain) -> Any:
        # To enter the body again is safe: it takes up what it has left.
        return pause.approve() if pause.request.tool_name == "tidy" else super().decide(pause)

    def go_on(self) -> None:
        for _ in range(20):
            waiting = llm.pending()
            if not waiting:
                return
            if _is_open(waiting[0], waiting[0].request):
                self.decide(waiting[0])
            self.read(llm.resume(waiting[0].request.id, tools=[self.tidy()], model=self.outer()))
        raise AssertionError("there is always one more question")


def _answering(*rounds: Any) -> Any:
    """Return a model that plays the round after as many answers as the history has, as a real one does in any process."""
    model = Face().rounds(*rounds)

    def played(prompt: llm.Prompt, response: Any) -> Iterator[Any]:
        yield from model.rounds[sum(message.role == "assistant" for message in prompt.messages)]

    model.played = played
    return model


def _is_open(pause: llm.PauseChain, request: llm.ApprovalRequest) -> bool:
    assert pause.paused is not None
    call = pause.paused.call(request)
    return call is not None and call.state in ("waiting", "unknown")


def _kill_after(point: int) -> None:
    """Kill this process once this many operations are durable."""
    submit = SQLiteJournal.submit
    done = 0

    def counting(self: SQLiteJournal, operation: Any) -> Any:
        nonlocal done
        future = submit(self, operation)
        future.result()
        done += 1
        if done == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return future

    SQLiteJournal.submit = counting  # type: ignore[method-assign]


def _in_child(folder: Path, work: Callable[[], None]) -> int:
    """Run something in a process of its own, and return what `os.waitpid` says of its end."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    try:
        llm.open_journal(folder / "journal.db")
        work()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def kill_at(point: int, session: Session) -> dict[str, Any]:
    """Kill a chain at one point, go on with it twice, and return what happened."""
    folder = session.folder

    def die() -> None:
        _kill_after(point)
        session.ask()

    status = _in_child(folder, die)
    return {
        "killed": os.WIFSIGNALED(status),
        "ends": [_in_child(folder, session.go_on) for _ in range(2)],
        "approved": _lines(folder / "approved"),
        "ran": _lines(folder / "ran"),
    }


def _session(folder: Path, how: str) -> Session:
    folder.mkdir()
    return NestedSession(folder, "first") if how == "nested" else Session(folder, how)


def main(place: str, how: str) -> None:
    # Once through without a journal, and a look at all models that plugins have: so the processes find loaded what each of them needs.
    _session(Path(place) / "loading", how).ask()
    with contextlib.suppress(llm.UnknownModelError):
        llm.get_model("no model")
    seen: list[dict[str, Any]] = []
    while not seen or seen[-1]["killed"]:
        seen.append(kill_at(len(seen) + 1, _session(Path(place) / str(len(seen)), how)))
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
