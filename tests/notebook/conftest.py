"""Real shells for the tests of the notebook: an IPython in this process, and ipykernels in others."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.process import process
from llm_notebook.notebook.frontend.bus import package_version
from llm_notebook.providers.registry import Registry, set_default_model
from tests.notebook.kernels import Kernel, running_kernel
from tests.notebook.scripted import register_models, sent
from tests.notebook.versions import SETUP, is_idle


@pytest.fixture
def terminal(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """An IPython without a front end, as in a terminal, with our magics and the scripted models; `echo` is the default."""
    registry = Registry()
    register_models(registry)
    monkeypatch.setitem(process.made, Registry, registry)
    with pytest.warns(ConfigurationWarning, match="the default in notebooks only"):
        set_default_model("echo")
    sent.clear()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = InteractiveShell(config=config)
    shell.run_cell("%load_ext llm_notebook", silent=True)
    yield shell
    atexit.unregister(shell.atexit_operations)
    shell.atexit_operations()


@pytest.fixture(scope="session")
def kernel_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all tests that take `kernel`."""
    with running_kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest.fixture
def kernel(kernel_process: Kernel) -> Kernel:
    """A kernel with freshly loaded magics and the scripted models, which were sent nothing yet; `echo` is the default."""
    prepared = kernel_process.run("%reload_ext llm_notebook\nsent.clear()")
    assert prepared.status == "ok", prepared.traceback
    return kernel_process


# Versions 7.0 to 7.3 of ipykernel answer on the socket itself, behind the back of the stream that reads from it. A request that arrives at
# that moment is then not seen until the next one comes, and a test would wait for it in vain. 7.4 answers through the stream.
_ANSWER_THROUGH_STREAM = """
kernel = get_ipython().kernel
kernel.shell_channel_thread.manager._shell_socket = kernel.shell_stream
"""


@pytest.fixture(
    scope="session", params=[("6.29.5", False), ("7.3.0", False), ("7.3.0", True), ("7.4.0", True)], ids=str
)
def versioned_kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel of one ipykernel version, with or without the subshell for comms that JupyterLab makes if the kernel has any."""
    version, subshells = request.param
    with running_kernel(tmp_path_factory.mktemp("kernel"), ipykernel=version) as kernel:
        assert kernel.value("__import__('ipykernel').__version__") == version
        prepared = kernel.run(SETUP)
        assert prepared.status == "ok", prepared.traceback
        if version == "7.3.0":
            assert kernel.run(_ANSWER_THROUGH_STREAM).status == "ok"
        if subshells:
            kernel.use_subshell()
        yield kernel


@pytest.fixture
def live(versioned_kernel: Kernel) -> Kernel:
    """The same with freshly loaded magics and a Lab extension that has said hello."""
    assert versioned_kernel.run("%reload_ext llm_notebook\nran.clear()").status == "ok"
    hello = versioned_kernel.tell("llm_notebook", {"type": "hello", "by": "extension", "version": package_version()})
    versioned_kernel.hear(lambda message: is_idle(message, hello))
    return versioned_kernel
