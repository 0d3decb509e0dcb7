"""Tools that nobody has marked where they are defined, and `python -m tests.approvals.travelling`: the process in which what was pickled arrives.

It reads a pickled dict of pickles, and prints for each what it says there: the policies of a tool, the error of loading it, or how a pause goes on.
"""

from __future__ import annotations

import json
import pickle
import sys

import llm_notebook as llm
from llm_notebook.approvals.marks import policy_of
from llm_notebook.tools.collecting import as_tools

__all__ = ["Connected", "Eraser", "Files", "OwnState", "delete", "marked"]


def delete(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


@llm.require_approval(when=lambda path: path != "/tmp", destructive=True)
def marked(path: str) -> str:
    """Delete a file."""
    return f"deleted {path}"


class Eraser:
    """Erase."""

    def erase(self, path: str) -> str:
        return delete(path)


class Files(llm.Toolbox):
    def delete(self, path: str) -> str:
        return delete(path)


class OwnState(llm.Toolbox):
    def delete(self, path: str) -> str:
        return delete(path)

    def __getstate__(self) -> dict[str, str]:
        return {"root": "/"}


class Connected(Files):
    def __init__(self, connection: object) -> None:
        self._connection = connection


def _said(data: bytes) -> object:
    try:
        thing = pickle.loads(data)
        if isinstance(thing, llm.PauseChain):
            thing.approve().text()
        given = thing.tools() if isinstance(thing, llm.Toolbox) else as_tools([thing])
        policies = [policy_of(tool) for tool in given if isinstance(tool, llm.Tool)]
        return [policy and [policy.asks, policy.destructive, len(policy.conditions)] for policy in policies]
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    arrived = pickle.loads(sys.stdin.buffer.read())
    json.dump({name: _said(data) for name, data in arrived.items()}, sys.stdout)
