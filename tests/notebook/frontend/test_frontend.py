"""What the kernel learns about the front end from its messages."""

from __future__ import annotations

from typing import Any

import pytest

from llm_notebook.notebook.frontend.bus import package_version
from tests.notebook.kernels import Kernel
from tests.notebook.versions import is_idle

FRONT = "get_ipython().magics_manager.registry['LLMMagics'].turns.front"


def _say(kernel: Kernel, **message: Any) -> None:
    sent = kernel.tell("llm_notebook", message)
    kernel.hear(lambda heard: is_idle(heard, sent))


def test_the_version_that_the_extension_says_is_kept(kernel: Kernel) -> None:
    assert kernel.value(f"({FRONT}.extension, {FRONT}.version)") == (None, "")
    _say(kernel, type="hello", by="extension", version="1.2.3")
    assert kernel.value(f"({FRONT}.extension, {FRONT}.version)") == (True, "1.2.3")
    _say(kernel, type="resync", id="t", version="9")
    assert kernel.value(f"{FRONT}.version") == "1.2.3"


@pytest.mark.parametrize("version", [None, 1, ["1"], {"major": 1}])
def test_a_hello_with_something_else_for_a_version_is_a_hello(kernel: Kernel, version: Any) -> None:
    _say(kernel, type="hello", by="extension", version=version)
    assert kernel.value(f"({FRONT}.extension, {FRONT}.version)") == (True, "")


def test_another_version_is_a_sentence_with_both(kernel: Kernel) -> None:
    assert kernel.value(f"{FRONT}.mismatch") == ""
    _say(kernel, type="hello", by="extension", version="9\u202e")
    said = (
        f"llm_notebook is {package_version()} in the kernel and 9\\u{{202e}} in this page. Reload the page to decide."
    )
    assert kernel.value(f"({FRONT}.mismatch, {FRONT}.advice)") == (said, said)
    _say(kernel, type="hello", by="extension", version=package_version())
    assert kernel.value(f"{FRONT}.mismatch") == ""


def test_a_very_long_version_is_cut(kernel: Kernel) -> None:
    _say(kernel, type="hello", by="extension", version="1" * 1_000_000)
    assert kernel.value(f"len({FRONT}.version)") == 100
