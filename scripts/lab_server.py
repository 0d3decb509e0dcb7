"""Runs a real JupyterLab or Notebook 7 on a free loopback port, for the browser tests and the pictures."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

__all__ = ["LabServer"]

_START_SECONDS = 120
_STOP_SECONDS = 20


@dataclass(slots=True)
class LabServer:
    """A server of JupyterLab or Notebook 7, as a context manager that starts it and ends it together with its kernels.

    Attributes:
        root: the folder whose notebooks it shows. The server's log is written beside the folder.
        environment: its environment variables; `JUPYTER_RUNTIME_DIR` must be one of them.
        extensions: the folder of the prebuilt extensions that it offers; None for those of this Python's environment.
        program: `jupyterlab` or `notebook`, as Python knows it.
        url: its address, ending in a slash; empty until it runs.
        token: the token that requests must carry; empty until it runs.
    """

    root: Path
    environment: Mapping[str, str]
    extensions: Path | None = None
    program: Literal["jupyterlab", "notebook"] = "jupyterlab"
    url: str = ""
    token: str = ""
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [
            *(sys.executable, "-m", self.program, "--no-browser", "--expose-app-in-browser", "--allow-root"),
            *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={self.root}"),
            *("--LabApp.extension_manager=readonly", "--LabApp.news_url=", "--log-level=WARN"),
            *([] if self.extensions is None else [f"--LabApp.labextensions_path={self.extensions}"]),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def address(self, notebook: str) -> str:
        """Return the address of a notebook's page; in JupyterLab in a separate workspace, so that no earlier tab is restored."""
        if self.program == "notebook":
            return f"{self.url}notebooks/{notebook}?token={self.token}"
        return f"{self.url}doc/workspaces/auto-{Path(notebook).stem}/tree/{notebook}?token={self.token}&reset"

    def request(self, path: str, method: str = "GET", body: object = None) -> Any:
        """Call the server's REST API.

        Args:
            path: the path below `/api/`.
            method: the HTTP method.
            body: what is sent as JSON; None for nothing.

        Returns:
            The decoded JSON of the answer, or None if the answer is empty.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}api/{path}", data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def shut_down_kernels(self) -> None:
        """End every session and its kernel."""
        for session in self.request("sessions"):
            self.request(f"sessions/{session['id']}", "DELETE")

    @property
    def _log(self) -> Path:
        return self.root.parent / "jupyterlab.log"

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        info = Path(self.environment["JUPYTER_RUNTIME_DIR"], f"jpserver-{self._process.pid}.json")
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                running = json.loads(info.read_bytes())
                self.url, self.token = running["url"], running["token"]
                self.request("status")
            except (OSError, ValueError):
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{self.program} did not start. Its log: {self._log.read_text(errors='replace')[-4000:]}")

    def _end(self) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
