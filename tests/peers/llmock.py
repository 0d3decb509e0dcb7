"""llmock, a server that breaks on purpose: with streams that are cut, stalled or garbled, and with errors of every status."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["llmock"]

_START_SECONDS = 60


@contextmanager
def llmock(*flags: str) -> Iterator[str]:
    """Run an llmock server with these flags, and give its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).with_name("llmock"))
    command = [program, "serve", "-h", "127.0.0.1", "-p", str(port), "--log-level", "error", *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(f"http://127.0.0.1:{port}/"):
            assert process.poll() is None, "llmock ended before it answered"
            assert time.monotonic() < deadline, "llmock did not answer"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(60)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
