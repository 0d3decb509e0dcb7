"""llama.cpp inside this process: loads a model once, answers chat bodies chunk by chunk, stops when told to.

What xllamacpp's `Server` does, found by experiment with 2026.10:

- `handle_chat_completions()` blocks without the GIL and calls back in the thread that called it. A callback that
  returns True, or raises (the exception is swallowed), ends the generation. So it is run in a thread of its own, and
  whoever reads waits for the chunks where Ctrl-C reaches them.
- It is thread-safe: prompts beyond its slots wait in its own queue.
- It opens an HTTP listener that cannot be turned off; `_start()` sees to it that nobody can use it.
- After a fork its destructors wait for threads that are gone; see `_forget_parent()`.
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
from typing import Any

from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.smollm2 import installed_weights

__all__ = ["Engine", "Engines", "Generation", "Outcome", "Slot", "thread_count"]

# A generation can be stopped between batches; larger ones are no faster on a CPU.
_BATCH_TOKENS = 64
_EXIT_SECONDS = 5.0
# What macOS takes, which has the shortest limit.
_SOCKET_PATH_BYTES = 103

Outcome = dict[str, Any] | BaseException | None


class Slot:
    """Room for one loaded model, which several engines may share.

    Attributes:
        lock: to be held by whoever loads a model or gives one up.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._holder: Engine | None = None

    def take(self, engine: Engine) -> None:
        """Have it for this engine; the one before gives up its model. The lock is to be held."""
        if self._holder is not None and self._holder is not engine:
            self._holder.give_up()
        self._holder = engine


class Engine:
    """One model and the generations that run on it. Nothing is imported or read before the first generation.

    Args:
        find_weights: gives the path of a GGUF file, or raises a ModelError that says what to do.
        context_tokens: how many tokens prompt and answer may have together; None leaves it to the file.
        place: where the model is loaded; None gives the engine a place of its own.
    """

    def __init__(
        self,
        find_weights: Callable[[], Path] = installed_weights,
        *,
        context_tokens: int | None = None,
        slot: Slot | None = None,
    ) -> None:
        self._find_weights = find_weights
        self.context_tokens = context_tokens
        self._slot = slot or Slot()
        self._server: Any = None
        self._given_up = False
        self._watched = False
        self._forked = False
        self.running: set[Generation] = set()

    @property
    def is_loaded(self) -> bool:
        """The model is in memory."""
        return self._server is not None

    def server(self) -> Any:
        """The llama.cpp server, loaded if it is not yet. Blocks while it loads, well under a second for a small model.

        Raises:
            ModelError: xllamacpp or the weights are missing, or the weights cannot be loaded.
        """
        with self._slot.lock:
            if self._server is not None:
                self._slot.take(self)
            else:
                xllamacpp = _import_xllamacpp()
                path = self._find_weights()
                self._slot.take(self)
                self._watch_process()
                self._server = _start(xllamacpp, path, self.configure)
                if self._forked:
                    _keep_forever(self._server)
            self._given_up = False
            return self._server

    def configure(self, params: Any, xllamacpp: Any) -> None:
        """Set what the server is for, in llama.cpp's parameters (`xllamacpp.CommonParams`)."""
        params.n_ctx = self.context_tokens or read_facts(Path(params.model.path)).context_tokens
        params.n_batch = params.n_ubatch = _BATCH_TOKENS

    def give_up(self) -> None:
        """Free the model as soon as nothing is computed with it. The lock of its place is to be held."""
        self._given_up = True
        if not self.running:
            self._server = None

    def finished(self, generation: Generation) -> None:
        """Nothing more is computed for this generation."""
        with self._slot.lock:
            self.running.discard(generation)
            if self._given_up:
                self.give_up()

    def unload(self) -> None:
        """Free the model, at the latest when nothing is computed with it; the next generation loads it again."""
        with self._slot.lock:
            self.give_up()

    def generation(self, body: dict[str, Any], deliver: Callable[[Outcome], None]) -> Generation:
        """An answer to this chat body, to be started; `deliver` is given what comes of it."""
        return Generation(self, body, deliver)

    def _watch_process(self) -> None:
        """Take care of what happens to the server at fork and exit; once is enough."""
        if self._watched:
            return
        self._watched = True
        weak = weakref.ref(self)

        def in_child() -> None:
            if (engine := weak()) is not None:
                engine._forget_parent()

        def at_exit() -> None:
            if (engine := weak()) is not None:
                engine._stop()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=in_child)
        atexit.register(at_exit)

    def _forget_parent(self) -> None:
        """In a forked child: leave the parent's server alone, so that the next prompt loads the child's own.

        llama.cpp's threads do not exist here, and destructors, of this server and of the library itself, would wait for
        them for ever or abort. So no server is ever destroyed in a child, and a normal exit ends it before the
        library's destructors run.
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
        """Stop computing before the interpreter goes: a thread coming back from llama.cpp afterwards would abort it."""
        for generation in list(self.running):
            generation.cancel()
            generation.wait(_EXIT_SECONDS)
        self._server = None


class Engines:
    """The engines of this process, one for each file. They share a place: whoever is asked frees the memory of the one before."""

    def __init__(self) -> None:
        self._slot = Slot()
        self._by_path: dict[Path, Engine] = {}

    def of(self, path: Path, find_weights: Callable[[], Path]) -> Engine:
        """The engine of a file.

        Args:
            path: where the file is or would be.
            find_weights: gives the same path, or raises a ModelError that says what to do where there is no such file.
        """
        return self._by_path.setdefault(path, Engine(find_weights, slot=self._slot))

    def unload(self, path: Path) -> None:
        """Free the model of a file that is about to be deleted, or has become another one."""
        if path in self._by_path:
            self._by_path[path].unload()


class Generation:
    """One answer being computed, in a thread of its own.

    Args:
        engine: what computes it.
        body: a Chat Completions request body; `stream` must be true in it.
        deliver: called in that thread with every chunk (a dict), at last with None or the exception that ended it.
            Must not block.
    """

    def __init__(self, engine: Engine, body: dict[str, Any], deliver: Callable[[Outcome], None]) -> None:
        self._engine = engine
        self._body = body
        self._deliver = deliver
        self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="llm_notebook local model", daemon=True)

    def start(self) -> None:
        """Begin. To be called once."""
        if not self._cancelled:
            self._thread.start()

    def cancel(self) -> None:
        """Stop computing before the next token, or the next batch of the prompt. May be called at any time."""
        self._cancelled = True

    def wait(self, seconds: float) -> None:
        """Wait until nothing more is computed, at most so long."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def abandon(self) -> None:
        """Tell the reader that nothing more will come, because the process that computes it is another one now."""
        self._deliver(
            IncompleteResponse("The process was forked while the local model answered; ask again in this one.")
        )

    def _run(self) -> None:
        self._engine.running.add(self)
        outcome: Outcome = None
        try:
            self._compute_on(self._engine.server())
        except BaseException as error:  # whatever it is, the reader has to know
            # The frames below hold the server, and an error may be kept for long; the memory must not be.
            outcome = error.with_traceback(None)
        finally:
            self._engine.finished(self)
        self._deliver(outcome)

    def _compute_on(self, server: Any) -> None:
        if not self._cancelled:
            self.compute(server)

    def compute(self, server: Any) -> None:
        """Have the server do the work, handing every chunk to `_take()`, which tells whether to stop."""
        server.handle_chat_completions(self._body, self._take)

    def _take(self, chunk: dict[str, Any]) -> bool:
        if not self._cancelled:
            self._deliver(chunk)
        return self._cancelled


def _import_xllamacpp() -> Any:
    # Waiting threads of OpenMP spin unless told otherwise before it loads, which makes a busy small machine crawl.
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
    return xllamacpp


def _start(xllamacpp: Any, path: Path, configure: Callable[[Any, Any], None]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = [path.stem]
    configure(params, xllamacpp)
    params.n_parallel = 1
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
                # The listener goes to a socket file that is removed at once: nobody can connect to it.
                params.hostnames = [socket_file]
            else:
                # It listens on a loopback port, with a key that nobody knows.
                params.api_keys = [secrets.token_hex()]
            return xllamacpp.Server(params)
    except RuntimeError as error:
        raise ModelError(
            f"The local model cannot be loaded from {path}: there may be too little memory, the file may be damaged (install "
            "the model again), or it is of a newer kind (install a newer xllamacpp)."
        ) from error


def thread_count() -> int:
    """Threads to compute with: one on machines with one or two processors, else half of them, at most four."""
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:
        processors = os.cpu_count() or 1
    return max(1, min(4, processors // 2))


def _keep_forever(thing: object) -> None:
    """Never destroy this object, not even when the interpreter ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _skip_destructors_at_exit() -> None:
    """Let this process end with `_exit(status)` where it would run the destructors of C++ libraries.

    Only glibc has on_exit(); elsewhere a child has to leave through `os._exit()`, as those of multiprocessing do.
    """
    library = ctypes.CDLL(None)
    with contextlib.suppress(AttributeError):
        library.on_exit(ctypes.cast(library._exit, ctypes.c_void_p), None)
