"""What all tests share: isolation from the user's own folders and keys, the small real model, and real servers."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from llm_notebook.configuration.folders import data_dir
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.providers.http.rate_limits.limiter import Limits
from llm_notebook.providers.local.smollm2 import install_weights
from tests.peers.llama_server import LlamaServer

pytest_plugins = ["tests.fakes.openai_server", "tests.fakes.file_server", "tests.fakes.faces"]

_SHARED_PEERS = Path(__file__).resolve().parents[2] / "shared" / "peers"
_FOREIGN_SETTINGS = ("_API_KEY", "_BASE_URL")

# How long an example takes says nothing about the code, but much about what else the machine does.
settings.register_profile("without deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without deadlines")


def pytest_configure() -> None:
    """Hear SIGINT, and let every process that a test starts hear it: a run in the background inherits that it is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data_dir() -> Path:
    """The data folder of the whole test run: the user's own, or what `LLM_NOTEBOOK_DATA` names. Only weights go there."""
    return data_dir(create=False)


@pytest.fixture(autouse=True)
def isolated(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    shared_data_dir: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Path]:
    """Give every test folders of its own, no keys, no open journal, and no limits that servers have told of. Tests marked `model` see the weights that are installed.

    Yields:
        The folder that stands for the user's own.
    """
    for name in list(os.environ):
        if name.startswith("LLM_") or name.endswith(_FOREIGN_SETTINGS):
            monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("home")
    needs_model = request.node.get_closest_marker("model") is not None
    monkeypatch.setenv("LLM_USER_PATH", str(folder / "llm"))
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(shared_data_dir if needs_model else folder / "data"))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    # No Ollama of this machine's: nothing listens on this port.
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    # An IPython puts a module of its own in the place of the main one, and leaves it there, emptied.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    # Servers of different tests may have the same port one after the other.
    limits = process.of(Limits)
    limits.seen.clear()
    limits.divide(1)
    yield folder
    process.of(CurrentJournal).close()


@pytest.fixture(scope="session")
def weights() -> Path:
    """The GGUF file of SmolLM2-135M, fetched at its first use as `%llm local install` does it. Mark the test `model`."""
    return install_weights()


@pytest.fixture(scope="session")
def llama_server(weights: Path) -> Iterator[LlamaServer]:
    """llama.cpp's HTTP server with SmolLM2-135M and its own chat template."""
    with LlamaServer(weights) as server:
        yield server


@pytest.fixture(scope="session")
def reasoning_server(weights: Path) -> Iterator[LlamaServer]:
    """The same with a chat template that makes it reason first: `reasoning_content` before the content."""
    with LlamaServer(weights, template=_shared_template("tool_tmpl.jinja")) as server:
        yield server


@pytest.fixture(scope="session")
def tool_server(weights: Path, tool_template: Path) -> Iterator[LlamaServer]:
    """The same with a chat template for tools.

    It calls one when asked with `tool_choice="required"`, `logit_bias={"107": 9, "39428": 9}` and `temperature=0`.
    """
    with LlamaServer(weights, template=tool_template) as server:
        yield server


@pytest.fixture(scope="session")
def tool_template() -> Path:
    """The chat template for tools, as a file."""
    return _shared_template("tool_json.jinja")


@pytest.fixture(scope="session")
def embedding_server(weights: Path) -> Iterator[LlamaServer]:
    """llama.cpp's HTTP server with SmolLM2-135M, started to embed texts of up to 512 tokens."""
    with LlamaServer(weights, embedding=True, context_tokens=512) as server:
        yield server


def _shared_template(name: str) -> Path:
    path = _SHARED_PEERS / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path
