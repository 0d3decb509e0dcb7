"""`make lint` and `make test`: runs every check, continues after a failure, and ends with one line of counts.

Nothing hangs. pytest ends a test after five minutes and names it; what not even that can end is stopped when the time of the whole run is
over, and says in which test it was.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from llm_notebook.errors import ModelError
from scripts.chromium import provide_chromium
from scripts.front_end import SOURCES, install_packages, provide_front_end
from scripts.node import node_environment
from scripts.other_pythons import CORE, find_other_python, install
from scripts.weights import provide_weights

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results"
_PARTS = {
    "browser": "browser",
    "notebook": "notebook",
    "servers": "providers faults contract plugins",
}
_AT_ONCE = 3
_LONGEST = 39 * 60  # seconds that all checks together may take
_TO_SAY_WHERE = 10  # seconds

_NO_CHROMIUM = "The browser tests need Chromium or Chrome: install one, or name it: CHROMIUM=/path/to/it make test"
_NO_NODE = "The front end's checks need Node 20.19 or newer with npm: install it and run make test again."


@dataclass(slots=True)
class Counts:
    """The numbers of tests that passed, failed and were skipped. A check without tests counts only when it fails."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, report: Path, exit_code: int) -> None:
        """Add a JUnit report.

        Args:
            report: the file, which is missing if the tests did not start.
            exit_code: of the run. A run that failed counts as one failure if the report names none.
        """
        failed = 0
        for case in _cases(report):
            outcomes = {child.tag for child in case}
            if outcomes & {"failure", "error"}:
                failed += 1
            elif "skipped" in outcomes:
                self.skipped += 1
            else:
                self.passed += 1
        self.failed += failed or int(exit_code != 0 or not report.exists())

    def line(self) -> str:
        """Return the closing line."""
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def main() -> int:
    """Run the linters, and with the argument `everything` the tests too. Return the exit code."""
    counts, until = Counts(), time.monotonic() + _LONGEST
    RESULTS.mkdir(exist_ok=True)
    if sys.argv[1:] == ["everything"]:
        _check_sources(counts, until)
        _test_python(counts, until)
        print(counts.line(), flush=True)
    else:
        counts.failed += _lint(until)
    return int(counts.failed > 0)


def _check_sources(counts: Counts, until: float) -> None:
    """Run the linters for Python beside everything that is done with the front end, for both leave a core idle."""
    with ThreadPoolExecutor() as beside, (RESULTS / "lint.log").open("w", encoding="utf-8") as log:
        linting = beside.submit(_lint, until, log)
        _test_front_end(counts, until)
        counts.failed += linting.result()
    print((RESULTS / "lint.log").read_text(encoding="utf-8"), flush=True)


def _lint(until: float, log: TextIO | None = None) -> int:
    """Return how many of the linters complain."""
    commands = (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"])
    return sum(run([sys.executable, "-m", *command], until, log=log) != 0 for command in commands)


def _test_front_end(counts: Counts, until: float) -> None:
    environment = node_environment()
    if environment is None:
        print(_NO_NODE, flush=True)
        counts.failed += 1
        return
    report = RESULTS / "labextension.xml"
    report.unlink(missing_ok=True)
    if not install_packages(environment):
        counts.failed += 1
        return
    counts.failed += int(run(["npm", "run", "--silent", "lint:check"], until, environment, SOURCES) != 0)
    counts.add(report, run(["npm", "test", "--silent"], until, environment, SOURCES))
    # The browser tests run the bundles, so these must be built from the sources as they are.
    counts.failed += int(not provide_front_end())


def _test_python(counts: Counts, until: float) -> None:
    try:
        provide_weights()
    except ModelError as error:
        print(error, flush=True)
        counts.failed += 1
    chromium = provide_chromium()
    if chromium is None:
        print(_NO_CHROMIUM, flush=True)
    environment = os.environ | {"CHROMIUM": chromium or ""}
    parts = [partial(_test_part, name, folders, until, environment) for name, folders in parts_of_the_tests().items()]
    if (other := find_other_python()) is not None:
        parts.append(partial(_test_other_python, *other, until))
    # Pages, kernels and servers wait much of the time, so more parts run beside each other than there are cores, the longest first.
    with ThreadPoolExecutor(_AT_ONCE) as beside:
        for done in as_completed([beside.submit(part) for part in parts]):
            report, exit_code = done.result()
            print(report.with_suffix(".log").read_text(encoding="utf-8"), flush=True)
            counts.add(report, exit_code)


def parts_of_the_tests() -> dict[str, list[str]]:
    """Return what to give pytest for each part of the tests, by the part's name. Together the parts are all tests, each once."""
    parts = {name: [f"tests/{folder}" for folder in folders.split()] for name, folders in _PARTS.items()}
    return parts | {"rest": ["tests", *(f"--ignore={folder}" for folders in parts.values() for folder in folders)]}


def _test_part(name: str, folders: Sequence[str], until: float, environment: Mapping[str, str]) -> tuple[Path, int]:
    """Run a part of the tests. Returns its report, with a log beside it, and its exit code."""
    with _reporting(name) as (report, log):
        return report, run(_pytest(report, *folders), until, environment, log=log)


def _test_other_python(version: str, python: Path, until: float) -> tuple[Path, int]:
    """Test the core on another Python of the machine. Returns the report, with a log beside it, and the exit code."""
    with _reporting(f"python{version}") as (report, log):
        inside = install(python, version)
        return report, 1 if inside is None else run(_pytest(report, *CORE, python=str(inside)), until, log=log)


@contextmanager
def _reporting(name: str) -> Iterator[tuple[Path, TextIO]]:
    """Say that a part of the tests begins. Yields where its report belongs, and the log beside that."""
    report = RESULTS / f"{name}.xml"
    report.unlink(missing_ok=True)
    print(f"Testing: {name} (in {report.with_suffix('.log').relative_to(ROOT)})", flush=True)
    with report.with_suffix(".log").open("w", encoding="utf-8") as log:
        yield report, log


def _pytest(report: Path, *arguments: str, python: str = sys.executable) -> list[str]:
    return [python, "-m", "pytest", f"--junitxml={report}", *arguments]


def run(
    command: list[str],
    until: float,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    log: TextIO | None = None,
) -> int:
    """Run one check, with its output in `log`, or else on this terminal. Return its exit code.

    Args:
        command: the program with its arguments.
        until: the monotonic time at which it is stopped.
        environment: its variables; those of this process if not given.
        folder: where it runs.
        log: the file that takes its output.
    """
    shown = " ".join(Path(word).name if word == sys.executable else word for word in command)
    print(f"\n$ {shown}", file=log, flush=True)
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=None if log is None else subprocess.STDOUT,
    ) as running:
        try:
            return running.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            print(f"\nStopped, because the checks have taken {_LONGEST // 60} minutes: {shown}", file=log, flush=True)
        # At this signal, pytest prints where each thread is.
        running.send_signal(signal.SIGABRT)
        try:
            return running.wait(_TO_SAY_WHERE) or 1
        except subprocess.TimeoutExpired:
            running.kill()
            return running.wait()


def _cases(report: Path) -> Iterable[ElementTree.Element]:
    return ElementTree.parse(report).iter("testcase") if report.exists() else ()


if __name__ == "__main__":
    sys.exit(main())
