"""Executes the notebooks and saves them with their outputs, in the form that is committed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from llm_notebook.errors import ModelError
from scripts.jupyter_home import jupyter_environment
from scripts.weights import provide_weights

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def main() -> int:
    """Execute every notebook of the folder; one that fails stays as it was. Return the exit code."""
    try:
        provide_weights()
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    failed = False
    with tempfile.TemporaryDirectory() as home:
        # Models of plugins that are installed for tests are no models of the reader's.
        os.environ.update(jupyter_environment(Path(home)) | {"LLM_LOAD_PLUGINS": ""})
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            print(f"Executing {path.name} ...", flush=True)
            try:
                nbformat.write(execute(path), path)
            except CellExecutionError as error:
                print(error, file=sys.stderr)
                failed = True
    return int(failed)


def execute(path: Path) -> NotebookNode:
    """Return a notebook with the outputs of its cells."""
    notebook = nbformat.read(path, as_version=4)
    asyncio.run(NotebookClient(notebook, timeout=600, record_timing=False, coalesce_streams=True).async_execute())
    # The rest of this differs from machine to machine and would show up in every diff.
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


if __name__ == "__main__":
    sys.exit(main())
