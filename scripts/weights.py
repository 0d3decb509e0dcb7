"""Fetches the weights of the local model and shows the progress in a few lines."""

from __future__ import annotations

import sys

from llm_notebook.providers.local.smollm2 import install_weights

__all__ = ["provide_weights"]


def provide_weights() -> None:
    """Install the weights, with one changing line of progress in a terminal and a line for each step elsewhere.

    Raises:
        ModelError: the weights cannot be fetched.
    """
    changes_one_line = sys.stdout.isatty()
    last_step = ""

    def tell(line: str) -> None:
        nonlocal last_step
        step = line.partition(":")[0]
        if changes_one_line:
            print(f"\r\x1b[K{line}", end="", flush=True)
        elif step != last_step:
            print(step, flush=True)
        last_step = step

    try:
        install_weights(progress=tell)
    finally:
        if changes_one_line and last_step:
            print(flush=True)
