"""Kills a run over rows again and again with `kill -9`, at random instants, and counts the requests that the server has received in the end.

Whatever was answered before a kill must not be asked again. So there may be no more requests than rows, and what was in flight at the kills.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.measuring import ROOT

__all__ = ["run"]

_ROWS, _AT_ONCE, _KILLS = 6000, 16, 50
_RUN = f"""
import sys
import llm_notebook as llm
llm.open_journal(sys.argv[2])
model = llm.AsyncOpenAIChat("m", base_url=sys.argv[1])
found = llm.map_rows([f"w{{n}}" for n in range({_ROWS})], "Say {{{{ text }}}}", model=model, concurrency={_AT_ONCE}, progress=False)
assert [row["answer"] for row in found] == [f"w{{n}}" for n in range({_ROWS})]
"""


class _Server(ThreadingHTTPServer):
    """Answers each row with its text.

    Attributes:
        received: how many requests came.
        answering: how many are being answered.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received = self.answering = 0
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that are killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.received += 1
        time.sleep(0.01)
        text = body["messages"][-1]["content"].removeprefix("Say ")
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        answer = json.dumps({"id": "x", "model": "m", "choices": [choice]}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


def run() -> int:
    """Kill, count, print, and return how many requests there were beside one for each row."""
    server = _Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kills = 0
    with tempfile.TemporaryDirectory() as folder:
        address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        command = [sys.executable, "-c", _RUN, address, str(Path(folder, "rows.db"))]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        while True:
            before = server.received
            process = subprocess.Popen(command, env=environment)
            if kills < _KILLS:
                # The kill comes at a random instant after the first request of this process.
                while server.received == before and process.poll() is None:
                    time.sleep(0.005)
                time.sleep(random.uniform(0, 0.25))
            else:
                process.wait()
            if process.poll() is not None:
                break
            process.kill()
            process.wait()
            kills += 1
    assert process.returncode == 0
    assert kills == _KILLS, f"the run was over after {kills} kills"
    more = server.received - _ROWS
    assert more <= kills * _AT_ONCE, "more was asked again than was in flight"
    print(
        f"\n{_ROWS:,} rows, {kills} times kill -9: {server.received:,} requests, {more / max(1, kills):.1f} more for each kill;"
        f" {_AT_ONCE} were in flight"
    )
    server.shutdown()
    return more


if __name__ == "__main__":
    run()
