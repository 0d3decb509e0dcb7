"""Every form of marking a tool, and how it holds in another process.

`python -m tests.approvals.forms ask JOURNAL` has a model call a tool of each form twice, and leaves the questions in the journal.
`python -m tests.approvals.forms go-on JOURNAL` is the process after a restart: it approves the first call with the same tool, denies the second,
and goes on with a tool that nobody marked. Both print what they saw as JSON. Run `python -m tests.approvals.forms` for the table.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llm

import llm_notebook
from llm_notebook.approvals.policy import ChainPolicy
from tests.fakes.faces import Face, asks

__all__ = ["COLUMNS", "FORMS", "table"]

COLUMNS = ("asks", "survives restart", "policy kept", "destructive kept")
SERVER = Path(__file__).parents[1] / "plugins" / "mcp" / "server.py"
Mark = Callable[[Any], Any]
ran: list[str] = []


def delete(path: str) -> str:
    """Delete a file."""
    ran.append(path)
    return f"deleted {path}"


async def delete_async(path: str) -> str:
    return delete(path)


def _decorated(mark: Mark) -> Any:
    @mark
    def delete_files(path: str) -> str:
        return delete(path)

    return delete_files


def _behind_a_decorator(mark: Mark) -> Any:
    marked = mark(delete)

    @functools.wraps(marked)
    def noted(*args: Any, **kwargs: Any) -> Any:
        return marked(*args, **kwargs)

    return noted


def _method(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        def __init__(self, root: str = "/home") -> None:
            self.root = root

        @mark
        def delete(self, path: str) -> str:
            return delete(path)

    return Files()


def _static_method(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        @mark
        @staticmethod
        def delete(path: str) -> str:
            return delete(path)

    return Files()


def _class_method(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        @mark
        @classmethod
        def delete(cls, path: str) -> str:
            return delete(path)

    return Files()


def _overriding_method(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        @mark
        def delete(self, path: str) -> str:
            raise NotImplementedError

    class HomeFiles(Files):
        def delete(self, path: str) -> str:
            return delete(path)

    return HomeFiles()


def _partial_method(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        @mark
        def _delete(self, path: str, root: str) -> str:
            return delete(path)

        delete = functools.partialmethod(_delete, root="/home")

    return Files()


def _marked_partial_method(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        def _delete(self, path: str, root: str) -> str:
            return delete(path)

        delete = mark(functools.partialmethod(_delete, root="/home"))

    return Files()


class _Toolbox(llm_notebook.Toolbox):
    def delete(self, path: str) -> str:
        return delete(path)


def _toolbox_class(mark: Mark) -> Any:
    class Files(_Toolbox):
        pass

    return mark(Files)()


def _subclass(mark: Mark) -> Any:
    @mark
    class Files(_Toolbox):
        pass

    class HomeFiles(Files):
        pass

    return HomeFiles()


def _prepared(mark: Mark) -> Any:
    class Files(llm_notebook.Toolbox):
        def prepare(self) -> None:
            self.add_tool(delete)

    return mark(Files())


def _moved(mark: Mark) -> Any:
    other = llm_notebook.Toolbox()
    other.add_tool(mark(_Toolbox()).tools()[0])
    return other


class _Eraser:
    """Erase."""

    def __init__(self, root: str = "/home") -> None:
        self.root = root

    def erase(self, path: str) -> str:
        return delete(path)


def _called_object(mark: Mark) -> Any:
    class Eraser:
        """Erase."""

        @mark
        def __call__(self, path: str) -> str:
            return delete(path)

    return Eraser()


def _class_of_called_objects(mark: Mark) -> Any:
    @mark
    class Eraser:
        """Erase."""

        def __call__(self, path: str) -> str:
            return delete(path)

    return Eraser()


def _class_that_is_called(mark: Mark) -> Any:
    @mark
    class Deletion:
        """Delete a file."""

        def __init__(self, path: str) -> None:
            self.said = delete(path)

        def __str__(self) -> str:
            return self.said

    return llm_notebook.Tool.function(Deletion, name="delete")


class _TheirToolbox(llm.Toolbox):  # type: ignore[misc]
    def delete(self, path: str) -> str:
        return delete(path)


def _their_toolbox_class(mark: Mark) -> Any:
    class Files(_TheirToolbox):
        pass

    return mark(Files)()


def _their_method(mark: Mark) -> Any:
    class Files(llm.Toolbox):  # type: ignore[misc]
        @mark
        def delete(self, path: str) -> str:
            return delete(path)

    return Files()


FORMS: dict[str, tuple[Callable[[Mark], Any], str]] = {
    "a decorated function": (_decorated, "delete_files"),
    "a marked copy of a function": (lambda mark: mark(delete), "delete"),
    "a coroutine function": (lambda mark: mark(delete_async), "delete_async"),
    "a marked function behind a decorator": (_behind_a_decorator, "delete"),
    "a partial of a marked function": (lambda mark: functools.partial(mark(delete)), "delete"),
    "a marked partial": (lambda mark: mark(functools.partial(delete)), "delete"),
    "a Tool": (lambda mark: mark(llm_notebook.Tool.function(delete, name="erase")), "erase"),
    "a bound method": (lambda mark: mark(_Eraser().erase), "erase"),
    "an object whose __call__ is marked": (_called_object, "Eraser"),
    "an object of a marked class": (_class_of_called_objects, "Eraser"),
    "a class that is the tool itself": (_class_that_is_called, "delete"),
    "a method of a Toolbox": (_method, "Files_delete"),
    "a static method of a Toolbox": (_static_method, "Files_delete"),
    "a class method of a Toolbox": (_class_method, "Files_delete"),
    "a method that overrides a marked one": (_overriding_method, "HomeFiles_delete"),
    "a partialmethod of a marked method": (_partial_method, "Files_delete"),
    "a marked partialmethod": (_marked_partial_method, "Files_delete"),
    "a Toolbox class": (_toolbox_class, "Files_delete"),
    "a subclass of a marked Toolbox class": (_subclass, "HomeFiles_delete"),
    "a Toolbox object": (lambda mark: mark(_Toolbox()), "_Toolbox_delete"),
    "a Toolbox that adds tools in prepare()": (_prepared, "delete"),
    "a tool of a marked Toolbox, added to another": (_moved, "_Toolbox_delete"),
    "a Tool of the llm package": (lambda mark: mark(llm.Tool.function(delete)), "delete"),
    "a method of a Toolbox of the llm package": (_their_method, "Files_delete"),
    "a Toolbox class of the llm package": (_their_toolbox_class, "Files_delete"),
    "a Toolbox object of the llm package": (lambda mark: mark(_TheirToolbox()), "_TheirToolbox_delete"),
    "a Toolbox of an MCP server": (
        lambda mark: mark(llm_notebook.mcp_toolbox([sys.executable, str(SERVER), "stdio"])),
        "add",
    ),
    "--ta": (lambda _: delete, "delete"),
    "--approve": (lambda _: delete, "delete"),
}
_POLICIES = {"--ta": lambda: ChainPolicy(always=True), "--approve": lambda: ChainPolicy(named=frozenset({"delete"}))}


def _calls(form: str, *ids: str) -> list[Any]:
    name = FORMS[form][1]
    arguments = {"a": 1, "b": 2} if name == "add" else {"path": "/a"}
    return asks(*(llm_notebook.ToolCall(name, arguments, f"{form} {number}") for number in ids))


def _mark(tool: Any) -> Any:
    return llm_notebook.require_approval(tool, destructive=True)


def _pause(chain: Any) -> llm_notebook.PauseChain | None:
    try:
        chain.text()
    except llm_notebook.PauseChain as pause:
        return pause
    return None


def _results(pause: llm_notebook.PauseChain) -> list[str]:
    return [part.output for message in pause.messages for part in message.parts if hasattr(part, "output")]


def ask(form: str) -> dict[str, Any]:
    """Have a model call the tool twice. Returns the id of the question, or that there was none."""
    make, _ = FORMS[form]
    # The options of a cell know nothing of what is destructive; there the tool itself says so once.
    tool = _mark(delete) if form in _POLICIES else make(_mark)
    chain = Face().rounds(_calls(form, "1", "2"), "done").chain("Tidy up", tools=[tool])
    if form in _POLICIES:
        chain._chain.plan.policy = _POLICIES[form]()
    pause = _pause(chain)
    return {"asks": pause is not None and not _results(pause), "id": "" if pause is None else pause.request.id}


def go_on(form: str, call_id: str) -> dict[str, Any]:
    """Go on with the question in another process."""
    make, _ = FORMS[form]
    model = Face().rounds(_calls(form, "3"), "done")
    [first] = [pause for pause in llm_notebook.pending() if pause.request.id == call_id]
    first.approve()
    second = _pause(llm_notebook.resume(call_id, tools=[make(_mark)], model=model))
    if second is None or not second.request.tool_call_id.endswith("2"):
        return dict.fromkeys(COLUMNS[1:], False)
    second.deny("no")
    third = _pause(llm_notebook.resume(second.request.id, tools=[make(lambda tool: tool)], model=model))
    kept = third is not None and third.request.tool_call_id.endswith("3")
    destructive = third is not None and second.request.destructive and third.request.destructive
    results = [] if third is None else _results(third)
    return {
        "survives restart": len(_results(second)) == 1 and "Error" not in _results(second)[0],
        "policy kept": kept and results[1:] == ["Denied by the user: no"],
        "destructive kept": destructive,
    }


def table(folder: Path) -> dict[str, dict[str, bool]]:
    """Run both processes. Returns for each form whether each column holds."""

    def run(step: str, given: object) -> Any:
        command = [sys.executable, "-m", "tests.approvals.forms", step, str(folder / "journal.db")]
        done = subprocess.run(
            command, input=json.dumps(given), capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    asked = run("ask", None)
    gone_on = run("go-on", {form: seen["id"] for form, seen in asked.items()})
    return {form: {"asks": asked[form]["asks"], **gone_on[form]} for form in FORMS}


def main(step: str = "", journal: str = "") -> None:
    if not step:
        with tempfile.TemporaryDirectory() as folder:
            rows = table(Path(folder))
        lines = [" | ".join(["form", *COLUMNS]), " | ".join(["---"] * 5)]
        lines += [
            " | ".join([form, *("yes" if seen[name] else "NO" for name in COLUMNS)]) for form, seen in rows.items()
        ]
        sys.stdout.write("\n".join(f"| {line} |" for line in lines) + "\n")
        return
    llm_notebook.open_journal(journal)
    given = json.load(sys.stdin)
    seen = {form: ask(form) if step == "ask" else go_on(form, given[form]) for form in FORMS}
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
