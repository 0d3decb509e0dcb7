"""aimock, a server that plays scripted conversations: tool calls, reasoning, structured answers, and refusals with Retry-After.

It comes from npm, so it is among the front end's development packages.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.node import node_environment

__all__ = ["AIMock", "NotInstalled", "aimock"]

_PROGRAM = Path(__file__).resolve().parents[2] / "labextension/node_modules/@copilotkit/aimock/dist/cli.js"
_START_SECONDS = 60
_STOP_SECONDS = 10
# This runs in the server's process and ends it with its standard input, so that it also ends when this process is killed.
_END_WITH_INPUT = "data:text/javascript,process.stdin.resume().on('end',()=>process.exit())"


class NotInstalled(Exception):
    """The error for a program that is missing and that `make test` installs."""


@dataclass(slots=True)
class AIMock:
    """A running server.

    Requests with the header `x-test-id` are counted and recorded separately for each test.

    Attributes:
        port: its port on the loopback interface.
    """

    port: int

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def exchanges(self, test_id: str) -> list[dict[str, Any]]:
        """Return what the server recorded for a test, oldest first: `headers`, `body` and `response` with its `status`."""
        query = urllib.parse.urlencode({"testId": test_id})
        url = f"http://127.0.0.1:{self.port}/__aimock/journal?{query}"
        with urllib.request.urlopen(url, timeout=_STOP_SECONDS) as reply:
            remembered: list[dict[str, Any]] = json.load(reply)
            return remembered

    def is_up(self) -> bool:
        """Return True if the server answers."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/__aimock/health", timeout=5).close()
        except OSError:
            return False
        return True


@contextmanager
def aimock(fixtures: Path) -> Iterator[AIMock]:
    """Run a server that plays these fixtures.

    Args:
        fixtures: a JSON file of aimock's, or a folder of them. The first fixture that matches a request answers it.

    Raises:
        NotInstalled: aimock or Node is missing; the message says what to do.
        RuntimeError: the server did not start.
    """
    if not _PROGRAM.is_file():
        raise NotInstalled("aimock is not installed: run `make test`, which installs the front end's packages first.")
    environment = node_environment()
    node = None if environment is None else shutil.which("node", path=environment.get("PATH"))
    if node is None:
        raise NotInstalled("aimock needs Node 20.19 or newer: install it and run `make test` again.")
    server = AIMock(_free_port())
    flags = [
        "-p",
        str(server.port),
        "-h",
        "127.0.0.1",
        "-f",
        str(fixtures),
        "--validate-on-load",
        "--log-level",
        "warn",
    ]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [node, "--import", _END_WITH_INPUT, str(_PROGRAM), *flags],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not server.is_up():
                if process.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)
                    raise RuntimeError(f"aimock did not start. It said: {said.read().decode(errors='replace')}")
                time.sleep(0.05)
            yield server
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdin is not None
    process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
