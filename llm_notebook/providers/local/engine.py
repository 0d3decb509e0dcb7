"""llama.cpp inside this process: loads a model once, answers chat requests chunk by chunk, and can be stopped.

An `Engine` is one model file. It loads the file into an xllamacpp `Server` when it is first needed. A `Generation` is one answer: it
runs in a thread and hands every chunk to a `deliver` function, and last an `Outcome` that ends the answer (None, or an exception). The
models in `models.py` read those outcomes from a queue. `Engines` keeps one engine for each file, and a `Slot` makes them take turns, so
that a notebook that tries five models does not hold five in memory.

Experiments with xllamacpp 2026.10 showed how its `Server` behaves, and most of what looks odd here follows from that:

- `handle_chat_completions()` blocks, without the GIL, and calls back in the thread that called it. Python handles Ctrl-C in the main
  thread only, and not inside such a call. So each generation has a thread, and the reader waits for the queue, where Ctrl-C works.
- The generation ends early if the callback returns True or raises (the exception is swallowed). That is what `cancel()` uses: it sets a
  flag, and the next callback returns it. Nothing else stops the computation. So prompts are read in small batches, and requests ask
  for `return_progress`, which gives a callback after each batch.
- The server is thread-safe. Prompts beyond its slots wait in its own queue.
- The memory is freed with the last reference to the server. So a model that is unloaded while it answers is only marked, and the last
  generation to finish frees it.
- The server opens an HTTP listener that cannot be turned off. `_start_server()` puts it where nobody can connect.
- A forked child has none of the server's threads, but the destructors wait for them. So a child never destroys a server; see
  `_forget_parent()`.
- A thread that returns from llama.cpp after the interpreter has shut down aborts the process. So `_stop()` ends all generations at exit.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import secrets
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.smollm2 import SMOLLM2

if TYPE_CHECKING:
    import xllamacpp

__all__ = ["Engine", "Engines", "Generation", "Outcome", "Slot", "thread_count"]

# A generation can be stopped between two batches. Larger batches are no faster on a CPU.
_BATCH_TOKENS = 64
_EXIT_SECONDS = 5.0
# The limit of macOS, which is the lowest of all systems.
_SOCKET_PATH_BYTES = 103

Outcome = dict[str, Any] | BaseException | None


class Slot:
    """Room for one loaded model, which several engines may share.

    Attributes:
        lock: held while a model is loaded or given up.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._holder: Engine | None = None

    def take(self, engine: Engine) -> None:
        """Give the slot to this engine. The engine that had it gives up its model. The caller holds the lock."""
        if self._holder is not None and self._holder is not engine:
            self._holder.give_up()
        self._holder = engine


class Engine:
    """One model and the generations that run on it. Nothing is imported or read before the first generation.

    Args:
        find_weights: returns the path of a GGUF file, or raises a ModelError that says what to do.
        context_tokens: how many tokens prompt and answer may have together; None means the number in the file.
        slot: the slot that the model takes while it is loaded; None means one that no other engine shares.

    Attributes:
        running: the generations that have begun and not finished.
    """

    def __init__(
        self,
        find_weights: Callable[[], Path] = SMOLLM2.find,
        *,
        context_tokens: int | None = None,
        slot: Slot | None = None,
    ) -> None:
        self._find_weights = find_weights
        self.context_tokens = context_tokens
        self._slot = slot or Slot()
        self._server: xllamacpp.Server | None = None
        self._given_up = False
        self._watched = False
        self._forked = False
        self.running: set[Generation] = set()

    def server(self) -> xllamacpp.Server:
        """Return the llama.cpp server, and load it first if need be. That takes well under a second for a small model.

        Raises:
            ModelError: xllamacpp or the weights are missing, or the weights cannot be loaded.
        """
        with self._slot.lock:
            if self._server is not None:
                self._slot.take(self)
            else:
                library = _import_xllamacpp()
                path = self._find_weights()
                self._slot.take(self)
                self._watch_process()
                self._server = _start_server(library, path, self.configure)
                if self._forked:
                    _keep_forever(self._server)
            self._given_up = False
            return self._server

    def configure(self, params: xllamacpp.CommonParams, library: ModuleType) -> None:
        """Set llama.cpp's parameters that depend on what the server is for.

        Args:
            params: the parameters, with the path of the model already set.
            library: xllamacpp.
        """
        params.n_ctx = self.context_tokens or read_facts(Path(params.model.path)).context_tokens
        params.n_batch = params.n_ubatch = _BATCH_TOKENS

    def give_up(self) -> None:
        """Free the model, at the latest when its last generation has finished. The caller holds the slot's lock."""
        self._given_up = True
        if not self.running:
            self._server = None

    def release(self, generation: Generation) -> None:
        """Forget a generation that has finished, and free the model if it was unloaded in the meantime."""
        with self._slot.lock:
            self.running.discard(generation)
            if self._given_up:
                self.give_up()

    def unload(self) -> None:
        """Free the model, at the latest when its last generation has finished. The next generation loads it again."""
        with self._slot.lock:
            self.give_up()

    def generation(self, body: dict[str, Any], deliver: Callable[[Outcome], None]) -> Generation:
        """Return a Generation that answers this chat request once it is started, and hands its outcomes to `deliver`."""
        return Generation(self, body, deliver)

    def _watch_process(self) -> None:
        """Register what has to happen to the server at fork and exit, unless that is done already."""
        if self._watched:
            return
        self._watched = True
        # The interpreter keeps these functions forever, and must not keep the engine alive.
        reference = weakref.ref(self)

        def in_child() -> None:
            if (engine := reference()) is not None:
                engine._forget_parent()

        def at_exit() -> None:
            if (engine := reference()) is not None:
                engine._stop()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=in_child)
        atexit.register(at_exit)

    def _forget_parent(self) -> None:
        """Leave the parent's server alone in a forked child, so that the next prompt loads a new one.

        llama.cpp's threads do not exist in the child. The destructors of the server and of the library itself would wait for them forever, or
        abort. So no server is ever destroyed in a child, and a normal exit ends the child before the library's destructors run.
        """
        if self._server is not None:
            _keep_forever(self._server)
        _skip_destructors_at_exit()
        self._forked = True
        self._server = None
        self._slot.lock = threading.Lock()
        running, self.running = self.running, set()
        for generation in running:
            generation.abandon()

    def _stop(self) -> None:
        """End all generations before the interpreter shuts down."""
        for generation in list(self.running):
            generation.cancel()
            generation.wait(_EXIT_SECONDS)
        self._server = None


class Engines:
    """The engines of this process, one for each file. They share a slot, so that one model at a time is in memory."""

    def __init__(self) -> None:
        self._slot = Slot()
        self._by_path: dict[Path, Engine] = {}

    def of(self, path: Path, find_weights: Callable[[], Path]) -> Engine:
        """Return the engine of a file.

        Args:
            path: where the file is or would be.
            find_weights: returns the same path, or raises a ModelError that says what to do if there is no such file.
        """
        return self._by_path.setdefault(path, Engine(find_weights, slot=self._slot))

    def unload(self, path: Path) -> None:
        """Free the model of a file that is deleted or replaced."""
        if path in self._by_path:
            self._by_path[path].unload()


class Generation:
    """The computation of one answer, in a separate thread.

    Args:
        engine: the engine that computes it.
        body: a Chat Completions request body in which `stream` is true.
        deliver: called in that thread with every chunk, a dict, and at the end with None or the exception that ended the computation.
            It must not block.
    """

    def __init__(self, engine: Engine, body: dict[str, Any], deliver: Callable[[Outcome], None]) -> None:
        self._engine = engine
        self._body = body
        self._deliver = deliver
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="llm_notebook local model", daemon=True)

    def start(self) -> None:
        """Start the computation, unless it was cancelled. It can be started once."""
        if not self._cancelled:
            self._thread.start()

    def cancel(self) -> None:
        """Stop computing before the next token, or the next batch of the prompt. This may be called at any time."""
        self._cancelled = True

    def wait(self, seconds: float) -> None:
        """Wait until the computation has ended, at most for this long."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def abandon(self) -> None:
        """End the answer for its reader in a forked child, where nobody computes it."""
        self._deliver(
            IncompleteResponse("The process was forked while the local model answered; ask again in this one.")
        )

    def _run(self) -> None:
        self._engine.running.add(self)
        outcome: Outcome = None
        try:
            self._compute_on(self._engine.server())
        except BaseException as error:  # whatever it is, the reader waits for an outcome
            # The traceback's frames hold the server. An error may be kept for long, and would keep the model in memory.
            outcome = error.with_traceback(None)
        finally:
            self._engine.release(self)
        self._deliver(outcome)

    def _compute_on(self, server: xllamacpp.Server) -> None:
        if not self._cancelled:
            self.compute(server)

    def compute(self, server: xllamacpp.Server) -> None:
        """Have the server do the work, and hand every chunk to `_take()`, which returns whether to stop."""
        server.handle_chat_completions(self._body, self._take)

    def _take(self, chunk: dict[str, Any]) -> bool:
        if not self._cancelled:
            self._deliver(chunk)
        return self._cancelled


def _import_xllamacpp() -> ModuleType:
    """Import xllamacpp.

    Raises:
        ModelError: it is not installed, or does not load.
    """
    # OpenMP reads this variable when it is loaded. Its waiting threads would spin otherwise, and slow down a small machine.
    unset = "OMP_WAIT_POLICY" not in os.environ
    if unset:
        os.environ["OMP_WAIT_POLICY"] = "passive"
    try:
        import xllamacpp  # 100 MB of machine code, loaded with the first prompt
    except ImportError as error:
        reason = "" if isinstance(error, ModuleNotFoundError) else f" (it is installed but does not load: {error})"
        raise ModelError(
            'The local model needs xllamacpp: run `pip install "jupyter-llm-notebook[local]"` and try again.' + reason
        ) from error
    finally:
        if unset:
            del os.environ["OMP_WAIT_POLICY"]
    library: ModuleType = xllamacpp
    return library


def _start_server(
    library: ModuleType, path: Path, configure: Callable[[xllamacpp.CommonParams, ModuleType], None]
) -> xllamacpp.Server:
    """Load a model into a server.

    Raises:
        ModelError: the file cannot be loaded.
    """
    params = library.CommonParams()
    params.model.path = str(path)
    params.model_alias = [path.stem]
    configure(params, library)
    # One slot has the whole context; several would share it.
    params.n_parallel = 1
    # llama.cpp would keep the states of earlier prompts in up to 8 GiB of memory.
    params.cache_ram_mib = 0
    params.use_jinja = True
    params.verbosity = 0
    params.n_threads_http = 1
    params.ui = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = thread_count()
    try:
        with tempfile.TemporaryDirectory(prefix="llm-") as folder:
            socket_file = str(Path(folder, "s.sock"))
            if sys.platform != "win32" and len(os.fsencode(socket_file)) <= _SOCKET_PATH_BYTES:
                # The server listens on a socket file that is removed at once, so nobody can connect to it.
                params.hostnames = [socket_file]
            else:
                # The server listens on a loopback port, and requires a key that nobody knows.
                params.api_keys = [secrets.token_hex()]
            return library.Server(params)
    except RuntimeError as error:
        raise ModelError(
            f"The local model cannot be loaded from {path}: there may be too little memory, the file may be damaged (install "
            "the model again), or it is of a newer kind (install a newer xllamacpp)."
        ) from error


def thread_count() -> int:
    """Return the number of threads to compute with: half the processors, but at least one and at most four."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:
        processors = os.cpu_count() or 1
    return max(1, min(4, processors // 2))


def _keep_forever(thing: object) -> None:
    """Keep this object from ever being destroyed, even when the interpreter ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _skip_destructors_at_exit() -> None:
    """Make this process end with `_exit(status)` instead of running the destructors of C++ libraries.

    Only glibc has on_exit(). On other systems a child has to leave through `os._exit()`, as those of multiprocessing do.
    """
    library = ctypes.CDLL(None)
    with contextlib.suppress(AttributeError):
        library.on_exit(ctypes.cast(library._exit, ctypes.c_void_p), None)
