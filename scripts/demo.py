"""`make demo`: a local model answers in a notebook, without a key and without touching any of the user's files."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from llm_notebook.errors import ModelError
from scripts.front_end import provide_front_end
from scripts.jupyter_home import jupyter_environment
from scripts.weights import provide_weights

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "quickstart.ipynb"
HOME = ROOT / ".cache" / "demo"
PAGE = ROOT / "quickstart.html"


def main() -> int:
    """Fetch the weights, then open the quickstart in JupyterLab, or execute it and write it as a page."""
    parser = argparse.ArgumentParser(prog="make demo")
    parser.add_argument("--headless", action="store_true", help="execute the notebook and write quickstart.html")
    headless = parser.parse_args().headless
    try:
        provide_weights()
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    environment = jupyter_environment(HOME)
    if headless:
        return _execute(environment)
    if not provide_front_end():
        _say("Answers are shown as text that grows, without buttons.")
    _open(_provide_working_copy(), environment)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _execute(environment: dict[str, str]) -> int:
    """Execute a fresh copy of the notebook and write the page. Return the exit code of the execution."""
    PAGE.unlink(missing_ok=True)
    copy = HOME / "headless" / NOTEBOOK.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(NOTEBOOK, copy)
    _say("Executing the quickstart notebook ...")
    convert = [sys.executable, "-m", "nbconvert", "--to=html", "--execute", "--log-level=WARN"]
    done = subprocess.run([*convert, f"--output={PAGE}", str(copy)], env=environment, check=False, cwd=copy.parent)
    if done.returncode == 0:
        _say(f"The notebook with its answers: {PAGE}")
    return done.returncode


def _open(notebook: Path, environment: dict[str, str]) -> None:
    """Replace this process by the JupyterLab server, so that Ctrl-C ends it and nothing else is left running."""
    _say("Opening JupyterLab in the browser (Ctrl-C here ends it). If no window appears, use the address below.")
    options = ["--ServerApp.ip=127.0.0.1", "--ServerApp.answer_yes=True", "--LabApp.extension_manager=readonly"]
    # At this level the server prints only errors and the address with its token.
    options += ["--log-level=ERROR", f"--ServerApp.root_dir={notebook.parent}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")
    command = [sys.executable, "-m", "jupyterlab", *options, f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    os.execve(sys.executable, command, environment)


def _provide_working_copy() -> Path:
    """Return the copy that the demo opens: a fresh one, unless its cells were changed in an earlier demo."""
    copy = HOME / "notebooks" / NOTEBOOK.name
    mark = HOME / "notebooks.sha256"
    copy.parent.mkdir(parents=True, exist_ok=True)
    if copy.exists() and (not mark.exists() or mark.read_text(encoding="ascii") != _cells_digest(copy)):
        _say(f"Your own version of the quickstart is opened; delete {copy} to begin afresh.")
        return copy
    shutil.copyfile(NOTEBOOK, copy)
    mark.write_text(_cells_digest(copy), encoding="ascii")
    return copy


def _cells_digest(notebook: Path) -> str:
    """Return a digest of the cells without their outputs, so that running them counts as no change."""
    try:
        cells = json.loads(notebook.read_bytes())["cells"]
        contents = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    except (ValueError, KeyError, TypeError):
        return "unreadable"
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
