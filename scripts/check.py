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
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from llm_notebook.errors import ModelError
from scripts.chromium import provide_chromium
from scripts.front_end import SOURCES, install_packages, provide_front_end
from scripts.node import node_environment
from scripts.other_pythons import CORE, find_other_pythons, install
from scripts.weights import provide_weights

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "test-results"
_BROWSER = "tests/browser"
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
    _lint(counts, until)
    if sys.argv[1:] == ["everything"]:
        _test_front_end(counts, until)
        _test_python(counts, until)
        print(counts.line(), flush=True)
    return int(counts.failed > 0)


def _lint(counts: Counts, until: float) -> None:
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        counts.failed += int(run([sys.executable, "-m", *command], until) != 0)


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
    report, browser_report = RESULTS / "pytest.xml", RESULTS / "browser.xml"
    for former in (report, browser_report):
        former.unlink(missing_ok=True)
    # Pages wait most of the time, so the browser's tests run beside the others, and after them the core's on other Pythons. What they
    # print follows.
    said = RESULTS / "browser.log"
    with said.open("w", encoding="utf-8") as log, ThreadPoolExecutor(1) as beside:
        in_browser = beside.submit(run, _pytest(browser_report, _BROWSER), until, environment, log=log)
        on_other_pythons = beside.submit(_test_other_pythons, until, log)
        counts.add(report, run(_pytest(report, f"--ignore={_BROWSER}"), until, environment))
        exits = {browser_report: in_browser.result()} | on_other_pythons.result()
    print(said.read_text(encoding="utf-8"), flush=True)
    for tested, exit_code in exits.items():
        counts.add(tested, exit_code)


def _test_other_pythons(until: float, log: TextIO) -> dict[Path, int]:
    """Test the core on every other Python of the machine. Returns the report and the exit code of each."""
    exits: dict[Path, int] = {}
    for number, (version, python) in enumerate(find_other_pythons().items()):
        report = RESULTS / f"python{version}.xml"
        report.unlink(missing_ok=True)
        inside = install(python, version, oldest=number == 0)
        exits[report] = 1 if inside is None else run(_pytest(report, *CORE, python=str(inside)), until, log=log)
    return exits


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
