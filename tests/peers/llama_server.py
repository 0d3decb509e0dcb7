"""llama.cpp's own HTTP server with a small real model, on a free port of the loopback interface.

Run as a program, this module is the server process. Its arguments are the fields of `LlamaServer`, and it ends with its standard input.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

__all__ = ["LlamaServer"]

_START_SECONDS = 120
_STOP_SECONDS = 10


@dataclass(slots=True)
class LlamaServer:
    """A context manager that runs one server process.

    Attributes:
        weights: the GGUF file to serve.
        template: a chat template file; None means the model's own template.
        api_key: the bearer token that requests need; None means none.
        context_tokens: room for prompt and answer together.
        alias: the server's name for the model.
        embedding: whether it also answers `/v1/embeddings`, with the mean over a text's tokens.
        wait: whether to wait until the model is loaded; until then the server answers 503.
        port: the port, which is chosen when the server is started.
    """

    weights: Path
    template: Path | None = None
    api_key: str | None = None
    context_tokens: int = 4096
    alias: str = "smollm2"
    embedding: bool = False
    wait: bool = True
    port: int = field(default=0, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _said: IO[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        """The root of the server, such as `http://127.0.0.1:41234`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """The base URL for OpenAI clients."""
        return f"{self.url}/v1"

    def __enter__(self) -> LlamaServer:
        self.port = _free_port()
        self._said = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._settings()],
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends
            stdout=self._said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_WAIT_POLICY": "passive"},
        )
        try:
            self._wait_for({200} if self.wait else {200, 503})
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop the server. This may be called repeatedly."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()
        if self._said is not None:
            self._said.close()

    def wait_until_ready(self) -> None:
        """Block until the model is loaded."""
        self._wait_for({200})

    def _settings(self) -> str:
        return json.dumps(
            {
                "weights": str(self.weights),
                "template": None if self.template is None else str(self.template),
                "api_key": self.api_key,
                "context_tokens": self.context_tokens,
                "alias": self.alias,
                "embedding": self.embedding,
                "port": self.port,
            }
        )

    def _wait_for(self, statuses: set[int]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while (status := self._health()) not in statuses:
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                assert self._said is not None
                self._said.seek(0)
                said = self._said.read().decode(errors="replace")
                raise RuntimeError(f"llama.cpp's server did not start (health: {status}). It said: {said or 'nothing'}")
            time.sleep(0.05)

    def _health(self) -> int | None:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as reply:
                status: int = reply.status
                return status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _serve(settings: dict[str, Any]) -> None:
    """Serve until standard input ends."""
    import xllamacpp  # only the server process needs it

    params = xllamacpp.CommonParams()
    params.model.path = settings["weights"]
    params.model_alias = [settings["alias"]]
    params.n_ctx = settings["context_tokens"]
    params.n_parallel = 1
    params.cache_ram_mib = 0
    params.hostnames = ["127.0.0.1"]
    params.port = settings["port"]
    params.use_jinja = True
    params.verbosity = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    if settings["embedding"]:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    if settings["template"] is not None:
        params.chat_template = Path(settings["template"]).read_text(encoding="utf-8")
    if settings["api_key"] is not None:
        params.api_keys = [settings["api_key"]]
    server = xllamacpp.Server(params)
    sys.stdin.buffer.read()
    del server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("settings", type=json.loads, help="JSON object")
    _serve(parser.parse_args().settings)
