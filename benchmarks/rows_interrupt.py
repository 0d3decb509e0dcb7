"""Measures how long ■ takes to end a run over rows: from the signal to the KeyboardInterrupt of `map_rows()`.

The run is in a process of its own, which has imported polars if that is there: polars changes how a process hears of a signal.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measuring import Row, median_of, print_table, run_program

__all__ = ["run"]

_TIMES = 5
_PREPARED = """
import contextlib, json, os, signal, sys, threading, time
with contextlib.suppress(ImportError):
    import polars
import llm_notebook as llm
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
llm.open_journal(sys.argv[2])
waiting, over = threading.Event(), threading.Event()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if sys.argv[1] == "limit":
            self.send_response(429)
            self.send_header("retry-after", "100")
            self.send_header("content-length", "0")
            self.end_headers()
        waiting.set()
        if sys.argv[1] != "limit":
            over.wait()
    def log_message(self, *arguments): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
class Blocking(llm.Model):
    model_id = "blocking"
    def execute(self, prompt, stream, response, conversation):
        waiting.set()
        over.wait()
        yield "late"
pressed = []
def press():
    waiting.wait()
    time.sleep(0.5)
    pressed.append(time.monotonic())
    os.kill(os.getpid(), signal.SIGINT)
model = Blocking() if sys.argv[1] == "threads" else llm.OpenAIChat("m", base_url=f"http://127.0.0.1:{server.server_port}/v1")
texts = [f"text {number}" for number in range(1000)]
rows = iter(texts) if sys.argv[1] == "iterator" else texts
threading.Thread(target=press).start()
try:
    for _ in llm.map_rows(rows, "Say {{ text }}", model=model, progress=False, concurrency=16):
        pass
except KeyboardInterrupt:
    print(json.dumps({"seconds": time.monotonic() - pressed[0]}), flush=True)
os._exit(0)
"""
_CASES = {
    "flight": "requests in flight",
    "limit": "all wait for a limit",
    "threads": "a model without await, in threads",
    "iterator": "rows from an iterator",
}


def run() -> None:
    """Measure and print the table. The peer is the limit."""
    rows = [
        Row(what, median_of([_stopping(case) for _ in range(_TIMES)]), "limit", 1.0, "<= 1")
        for case, what in _CASES.items()
    ]
    print_table("From ■ to the end of a run over rows", rows, "ms", 1000)


def _stopping(case: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        return run_program(_PREPARED, case, str(Path(folder, "rows.db")))["seconds"]


if __name__ == "__main__":
    run()
