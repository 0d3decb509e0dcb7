"""What a tool prints stays with its call, whichever way it is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE, cell_of, click_of, is_record

TOOLS = '''
import asyncio, logging, os, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import llm_notebook as llm
from IPython.display import HTML, clear_output, display

handler = logging.StreamHandler()
logging.getLogger("work").addHandler(handler)
pool = ThreadPoolExecutor(1)
pool.submit(lambda: None).result()

def plain(path: str) -> str:
    """Prints."""
    print("to stdout")
    print("to stderr", file=sys.stderr)
    logging.getLogger("work").warning("logged")
    return "returned"

def threads(path: str) -> str:
    """Prints in threads of its own."""
    def nested():
        inner = threading.Thread(target=print, args=["inner"])
        inner.start()
        inner.join()
    for target in (lambda: print("thread"), nested):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    pool.submit(print, "pool").result()
    return "returned"

async def awaits(path: str) -> str:
    """Prints while it awaits."""
    print("begins", path)
    await asyncio.sleep(0.01)
    await asyncio.to_thread(print, "in a thread", path)
    await asyncio.get_running_loop().run_in_executor(None, print, "in a pool", path)
    return "returned"

def displays(path: str) -> str:
    """Displays."""
    display({"one": 1})
    display(HTML("<b>bold</b>"))
    return "returned"

def starts(path: str) -> str:
    """Starts programs that write."""
    print("first")
    subprocess.run(["sh", "-c", "echo to stdout; echo to stderr >&2; echo 'π'"])
    os.system("seq 20000 | tail -n 2000")
    os.write(1, b"written to a descriptor\\n")
    return "returned"

def clears(path: str) -> str:
    """Counts, and clears what it has counted."""
    for number in range(3):
        clear_output(wait=True)
        print("number", number)
    return "returned"

def hides(path: str) -> str:
    """Prints what a terminal or a page would obey."""
    print("a\\u202eb\\u200bc\\x1b[31m <b>bold</b> **bold** ```")
    return "returned"

def floods(path: str) -> str:
    """Prints ten megabytes."""
    print("first")
    for _ in range(100):
        print("x" * 100_000)
    print("last")
    return "returned"

def forks(path: str) -> str:
    """Prints in a child."""
    print("in the parent")
    child = os.fork()
    if child == 0:
        print("in the child", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    return "returned"

class Finalized:
    def __del__(self):
        print("finalized")

def finalizes(path: str) -> str:
    """Prints in a finalizer, in a cycle of references, and what cannot be encoded."""
    for _ in range(100):
        cycle = Finalized()
        cycle.itself = cycle
        del cycle
        print("\\ud800")
    import gc
    gc.collect()
    return "returned"

def redirects(path: str) -> str:
    """Takes its own output."""
    import contextlib, io
    with contextlib.redirect_stdout(io.StringIO()) as taken:
        print("taken")
    print("after", taken.getvalue().strip())
    return "returned"

def fails(path: str) -> str:
    """Prints, then fails."""
    print("so far")
    raise ValueError("no")
'''


@pytest.fixture
def tools(live: Kernel) -> Kernel:
    """A kernel in which the tools above are defined."""
    assert live.run(f"%load_ext tests.notebook.scripted\n{TOOLS}").status == "ok"
    return live


def _calls(cell: Cell) -> list[dict[str, Any]]:
    [record] = [bundle for bundle in cell.outputs if MIME_TYPE in bundle]
    return [block for block in record[MIME_TYPE]["blocks"] if block["kind"] == "call"]


def _wait_for(kernel: Kernel, *lines: str) -> None:
    """Wait until the kernel has shown what other programs wrote, which it may do after the cell that started them."""

    def shown() -> str:
        streams = [message["content"] for message in kernel.heard if message["msg_type"] == "stream"]
        return "".join(content["text"] for content in streams)

    while not all(line in shown() for line in lines):
        kernel.hear(lambda message: message["msg_type"] == "stream")


def _run(kernel: Kernel, tool: str, *paths: str) -> Cell:
    cell = kernel.run(f"%llm -m asker -T {tool} Do {' '.join(paths or ['/a'])}", "asks")
    assert cell.traceback == ""
    assert cell.of("stream") == []
    return cell


@pytest.mark.parametrize(
    ("tool", "lines"),
    [
        ("plain", ["to stdout", "to stderr", "logged"]),
        ("threads", ["thread", "inner", "pool"]),
        ("awaits", ["begins /a", "in a thread /a", "in a pool /a"]),
        ("clears", ["number 2"]),
        ("fails", ["so far"]),
    ],
)
def test_it_is_in_the_record_of_its_call_and_nowhere_else(tools: Kernel, tool: str, lines: list[str]) -> None:
    cell = _run(tools, tool)
    [call] = _calls(cell)
    assert call["printed"] == {"text": "".join(f"{line}\n" for line in lines)}
    [bundle] = cell.outputs
    for line in lines:
        assert f"▎     {line}" in bundle["text/plain"]
        assert line in bundle["text/markdown"]
    assert tools.run("print('as ever')").stdout == "as ever\n"


def test_two_calls_keep_their_output_apart(tools: Kernel) -> None:
    one, two = _calls(_run(tools, "awaits", "/a", "/b"))
    assert one["printed"]["text"] == "begins /a\nin a thread /a\nin a pool /a\n"
    assert two["printed"]["text"] == "begins /b\nin a thread /b\nin a pool /b\n"


_AT_ONCE = """
calls = [llm.ToolCall("waits", {"path": path}, path) for path in ("/a", "/b")]
barrier = threading.Barrier(2, timeout=30)
def waits(path: str) -> str:
    "Prints while the other call prints."
    print("one", path)
    barrier.wait()
    print("two", path)
    return path
chain = Face().rounds(asks(*calls), "Both.").chain("Hi", tools=[waits], parallel_tools=2)
get_ipython().magics_manager.registry["LLMMagics"].turns.show(chain, TranscriptView("face"))
"""


def test_calls_at_the_same_time_keep_their_output_apart(tools: Kernel) -> None:
    cell = tools.run(_AT_ONCE)
    assert (cell.traceback, cell.of("stream")) == ("", [])
    assert [call["printed"]["text"] for call in _calls(cell)] == [f"one {path}\ntwo {path}\n" for path in ("/a", "/b")]


def test_what_it_displays_is_named_in_the_call_and_shown_in_the_cell(tools: Kernel) -> None:
    cell = _run(tools, "displays")
    [call] = _calls(cell)
    assert call["printed"]["text"] == "{'one': 1}\n[HTML, displayed in the cell]\n"
    [html] = [bundle for bundle in cell.outputs if MIME_TYPE not in bundle]
    assert html["text/html"] == "<b>bold</b>"


def test_what_programs_write_that_it_starts_is_in_its_call(tools: Kernel) -> None:
    [call] = _calls(_run(tools, "starts"))
    numbers = "".join(f"{number}\n" for number in range(18_001, 20_001))
    text = f"first\nto stdout\nπ\n{numbers}written to a descriptor\n"
    # The kernel reads stdout and stderr in two threads, so that the one line of stderr may be anywhere. All of it is kept.
    assert call["printed"]["text"].count("to stderr\n") == 1
    assert call["printed"]["text"].replace("to stderr\n", "") == text
    for each in _calls(_run(tools, "starts", "/a", "/b")):
        assert each["printed"]["text"].replace("to stderr\n", "") == text
    tools.run("_ = os.system('echo as ever')")
    _wait_for(tools, "as ever\n")


def test_what_programs_write_while_several_calls_run_is_in_the_cell(tools: Kernel) -> None:
    code = _AT_ONCE.replace('print("one", path)', "").replace('print("two", path)', 'os.system("echo two " + path)')
    cell = tools.run(code.replace("return path", "barrier.wait()\n    return path"))
    assert cell.traceback == ""
    _wait_for(tools, "two /a\n", "two /b\n")
    assert all("printed" not in call for call in _calls(cell))


_DISPLAYS = """
from IPython.display import HTML, display
import threading
@llm.require_approval
def erase(path: str) -> str:
    "Displays here and in a thread."
    display(HTML("<b>here</b>"))
    thread = threading.Thread(target=display, args=[HTML("<b>in a thread</b>")])
    thread.start()
    thread.join()
    shown = display(HTML("<b>before</b>"), display_id=True)
    shown.update(HTML("<b>after</b>"))
    __import__("os").system("echo a program")
    return "gone"
"""


@pytest.mark.parametrize("way", ["by message", "by execution"])
def test_after_a_click_it_displays_in_the_cell_of_its_card(live: Kernel, way: str) -> None:
    kept = live.run("kept = erase\n" + _DISPLAYS)
    assert kept.status == "ok", kept.traceback
    request = live.send("ask('/a')", "asks")
    [asked] = live.collect(request)
    live.run("print('another cell')", "other")
    click = click_of(asked)
    if way == "by message":
        live.tell("llm_notebook", click)
        live.hear(is_record)
        cell = cell_of(live, request)
    else:
        acts = "get_ipython().magics_manager.registry['LLMMagics'].actions.act"
        cell = live.run(f"{acts}({json.dumps(click)!r})", "asks")
    html = [bundle["text/html"] for bundle in cell.outputs if "text/html" in bundle]
    assert sorted(html) == ["<b>after</b>", "<b>here</b>", "<b>in a thread</b>"]
    assert cell.of("stream") == []
    [call] = _calls(cell)
    assert call["printed"]["text"] == 3 * "[HTML, displayed in the cell]\n" + "a program\n"
    assert live.run("erase = kept").status == "ok"


def test_hidden_characters_are_drawn_and_markup_is_text(tools: Kernel) -> None:
    [bundle] = _run(tools, "hides").outputs
    for text in (bundle["text/plain"], bundle["text/markdown"]):
        assert r"a\u{202e}b\u{200b}c\u{1b}[31m <b>bold</b> **bold** ```" in text
    assert "````text\n" in bundle["text/markdown"]


def test_ten_megabytes_do_not_reach_the_notebook(tools: Kernel) -> None:
    cell = _run(tools, "floods")
    [call] = _calls(cell)
    assert call["printed"]["text"].startswith("first\n")
    assert call["printed"]["text"].endswith("x\nlast\n")
    assert len(call["printed"]["text"]) <= 16_000
    assert call["printed"]["cut"]["hidden"] > 9_900_000
    assert len(json.dumps(cell.messages, default=str)) < 4_000_000


def test_a_forked_child_prints_as_ever(tools: Kernel) -> None:
    cell = tools.run("%llm -m asker -T forks Do /a", "asks")
    assert _calls(cell)[0]["printed"]["text"] == "in the parent\n"


def test_finalizers_and_lone_surrogates_do_no_harm(tools: Kernel) -> None:
    [call] = _calls(_run(tools, "finalizes"))
    assert call["printed"]["text"].count("finalized\n") == 100
    assert call["printed"]["text"].count("\\u{d800}\n") == 100


def test_a_tool_may_take_its_own_output(tools: Kernel) -> None:
    [call] = _calls(_run(tools, "redirects"))
    assert call["printed"]["text"] == "after taken\n"


def test_a_captured_cell_captures_the_record(tools: Kernel) -> None:
    cell = tools.run("%%capture taken\n%llm -m asker -T plain Do /a", "asks")
    assert cell.traceback == ""
    shown = tools.value("(taken.stdout, taken.stderr, [o.data['text/plain'] for o in taken.outputs])")
    assert shown[:2] == ("", "")
    assert "▎     to stdout" in shown[2][-1]


def test_it_stays_with_its_call_after_a_click(live: Kernel) -> None:
    request = live.send("ask('/a')", "asks")
    [asked] = live.collect(request)
    live.tell("llm_notebook", click_of(asked))
    live.hear(is_record)
    cell = cell_of(live, request)
    assert cell.of("stream") == []
    assert _calls(cell)[0]["printed"]["text"] == "erasing /a\n"


def test_python_code_in_a_cell_prints_as_ever(tools: Kernel) -> None:
    code = 'chain = Face().rounds(asks(llm.ToolCall("plain", {"path": "/a"}, "1")), "Yes.").chain("Hi", tools=[plain])'
    cell = tools.run(f"{code}\nprint(chain.text())")
    assert "to stdout" in cell.stdout


def test_it_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with running_kernel(tmp_path) as kernel:
        ask = "%llm -m asker -T plain --approve erase -T erase Do /a /b"
        erase = 'def erase(path: str) -> str:\n    "Erase."\n    print("erasing", path)\n    return path'
        assert kernel.run(f"{TOOLS}\n{erase}").status == "ok"
        assert kernel.run(ask, "cell-1", notebook="work/one.ipynb").traceback == ""
        [waiting] = kernel.value("[pause.request.id for pause in llm.pending()]")
        assert kernel.run(f"%llm approve {waiting}").traceback == ""
        shown = [bundle["text/plain"] for bundle in kernel.run(ask, "cell-1", notebook="work/one.ipynb").outputs]
        assert "erasing /a" in shown[-1]
        kernel.restart()
        assert kernel.run(f"%load_ext llm_notebook\n%load_ext tests.notebook.scripted\n{TOOLS}\n{erase}").status == "ok"
        again = kernel.run(ask, "cell-1", notebook="work/one.ipynb")
        assert [call.get("printed", {}).get("text") for call in _calls(again)] == ["erasing /a\n", None]
