"""Counts how often the code changes files on the way of a prompt: `python -m scripts.count_hops [CHECKOUT] [--pairs]`.

A newcomer who follows a call from file to file pays for every change of files, so the number says how direct a path is. Three walks are
taken in a real kernel, on its main thread, with `sys.setprofile`:

- `prompt → chunk`: a `%%llm` cell that asks a server on this machine over Chat Completions, up to the first chunk that is shown;
- `call → card`: from the first event of a call of a tool that needs approval, up to the card and the end of the cell;
- `click → answer`: the click on Approve, up to the end of the answer.

A hop is a call into another file of the package than the file that was entered last. Returns are not counted. The numbers are exact: they
depend on the code alone, and a little on Python, which since 3.12 has no frames for comprehensions. To that end the thread that paints a
turn looks at it once, before anything is read. A second checkout can be named, to compare it with this one; `--pairs` lists which files call
which. `LIMITS` says how many hops each walk may have, and tests/scripts/test_count_hops.py that it does not have more.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from llm_notebook.transcript.calls.displayed import digest_of_document

__all__ = ["LIMITS", "WALKS", "count"]

ROOT = Path(__file__).resolve().parent.parent
WALKS = ("prompt → chunk", "call → card", "click → answer")
LIMITS = (153, 266, 456)
"""Three quarters of what the walks had before the code was put into rooms."""

_PATIENCE = 60
_MIME_TYPE = "application/vnd.llm-notebook.transcript+json"
_SETUP = r"""
import collections, http.server, json, os, sys, threading
import llm_notebook as llm

from llm_notebook.notebook.display.notebook import NotebookDisplay

_package = os.path.dirname(llm.__file__) + os.sep
_walks, _files_of, _pairs = {}, {}, {}

def _begin(walk):
    _walks[walk], _files_of[walk], _pairs[walk] = 0, set(), collections.Counter()
    last = [None]
    begun = walk not in _from
    def follow(frame, event, argument):
        nonlocal begun
        file = frame.f_code.co_filename
        if event != "call" or not file.startswith(_package):
            return
        entered = frame.f_code.co_name, os.path.basename(file)
        begun = begun or entered == _from[walk]
        if not begun:
            return
        if _until.get(walk) == entered:
            sys.setprofile(None)
        if file != last[0]:
            _walks[walk] += last[0] is not None
            _files_of[walk].add(file)
            _pairs[walk][f"{os.path.relpath(last[0] or file, _package)} -> {os.path.relpath(file, _package)}"] += 1
            last[0] = file
    sys.setprofile(follow)

_from = {"call → card": ("feed", "view.py")}
_until = {"prompt → chunk": ("feed", "view.py")}

_open, _has_looked = NotebookDisplay.open, threading.Event()

def _open_and_wait(display, **keywords):
    _has_looked.clear()
    _open(display, **keywords)
    _has_looked.wait()

def _look_once(display, publish, senders, *_pace):
    display._tell(senders)
    _has_looked.set()
    display._closed.wait()

NotebookDisplay.open, NotebookDisplay._paint = _open_and_wait, _look_once

class _Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet, which is read at once
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        said = [{"content": "Done."}]
        if asked.get("tools") and asked["messages"][-1]["role"] == "user":
            call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "erase", "arguments": '{"path": "/tmp/x"}'}}
            said = [{"tool_calls": [call]}]
        ends = "tool_calls" if "tool_calls" in said[0] else "stop"
        chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in said] + [{"choices": [{"index": 0, "delta": {}, "finish_reason": ends}]}]
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_):
        pass

_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
threading.Thread(target=_server.serve_forever, daemon=True).start()
with open(os.path.join(os.environ["LLM_USER_PATH"], "extra-openai-models.yaml"), "w") as _list:
    _list.write(f"- {{model_id: hops, api_base: 'http://127.0.0.1:{_server.server_port}/v1', supports_tools: true}}\n")

@llm.require_approval
def erase(path: str) -> str:
    "Erase a file."
    return "gone"
"""


def count(checkout: Path = ROOT) -> dict[str, tuple[int, int, dict[str, int]]]:
    """Take the walks in a fresh kernel.

    Args:
        checkout: the folder whose `llm_notebook` is imported.

    Returns:
        For each walk the number of hops, the number of files that were entered, and how often the code went from one file to
        another.
    """
    with tempfile.TemporaryDirectory() as folder:
        kernel = _Kernel(checkout, Path(folder))
        try:
            kernel.run("%load_ext llm_notebook")
            kernel.say_hello()
            kernel.run(_SETUP)
            # What happens only once, such as reading catalogues and making the HTTP client, is not part of the walks.
            kernel.run("%%llm -m hops\nWarm up.")
            kernel.run(f"import sys; _begin({WALKS[0]!r})\nget_ipython().run_cell_magic('llm', '-m hops', 'Hello.')")
            asked = kernel.run(
                f"_begin({WALKS[1]!r})\nget_ipython().run_cell_magic('llm', '-m hops -T erase', 'Erase it.')"
            )
            click = json.dumps(_click_on(asked))
            actions = "get_ipython().magics_manager.registry['LLMMagics'].actions"
            kernel.run(f"sys.setprofile(None); act = {actions}.act; _begin({WALKS[2]!r}); act({click!r})")
            said = kernel.run(
                "sys.setprofile(None); print({walk: (_walks[walk], len(_files_of[walk]), dict(_pairs[walk])) for walk in _walks})"
            )
        finally:
            kernel.close()
    counted: dict[str, tuple[int, int, dict[str, int]]] = eval(said[-1]["text"])
    return counted


class _Kernel:
    """A kernel with folders of its own."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("LLM_", "OPENAI_"))}
        environment |= {
            "LLM_USER_PATH": str(folder),
            "LLM_NOTEBOOK_DATA": str(folder),
            "IPYTHONDIR": str(folder),
            "PYTHONPATH": str(checkout),
        }
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel(env=environment, cwd=str(folder))
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=_PATIENCE)
        self._comm = ""

    def run(self, code: str) -> list[dict[str, Any]]:
        """Run a cell; returns the contents of its outputs."""
        contents: list[dict[str, Any]] = []
        kinds = ("stream", "display_data", "update_display_data", "error")

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] in kinds:
                contents.append(message["content"])
            if message["msg_type"] == "comm_open" and message["content"]["target_name"] == "llm_notebook":
                self._comm = message["content"]["comm_id"]

        self._client.execute_interactive(code, timeout=_PATIENCE, output_hook=hear, allow_stdin=True)
        errors = [content for content in contents if content.get("traceback")]
        if errors:
            raise RuntimeError("\n".join(errors[0]["traceback"]))
        return contents

    def say_hello(self) -> None:
        """Say what our JupyterLab extension says when it meets a kernel."""
        data = {"type": "hello", "by": "extension", "version": "0.1.0"}
        message = self._client.session.msg("comm_msg", {"comm_id": self._comm, "data": data})
        self._client.shell_channel.send(message)

    def close(self) -> None:
        """End it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _click_on(contents: list[dict[str, Any]]) -> dict[str, Any]:
    """What the front end sends for a click on Approve on the card that a cell shows."""
    document = [content["data"][_MIME_TYPE] for content in contents if _MIME_TYPE in content.get("data", {})][-1]
    (block,) = [block for block in document["blocks"] if block.get("status") == "waiting"]
    ids = {"transcript": document["id"], "request": block["request"]["id"], "digest": block["request"]["digest"]}
    shown = digest_of_document(document["id"], document["model"], block, {})
    return {"type": "decide", "verdict": "approved", "shown": shown, **ids}


def main() -> None:
    """Print a row for each walk."""
    names = [name for name in sys.argv[1:] if name != "--pairs"]
    rows = [count(checkout.resolve()) for checkout in [ROOT, *map(Path, names)]]
    for walk in WALKS:
        print(f"{walk:<16}" + "   ".join(f"{row[walk][0]:>5} hops, {row[walk][1]:>3} files" for row in rows))
        if "--pairs" in sys.argv:
            for pair, times in sorted(rows[0][walk][2].items(), key=lambda item: -item[1]):
                print(f"{times:>5}  {pair}")


if __name__ == "__main__":
    main()
