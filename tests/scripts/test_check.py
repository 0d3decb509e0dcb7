"""The closing line of `make test`: it adds up the reports, and a run that broke down never counts as passed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from scripts.check import ROOT, Counts, parts_of_the_tests, run

_PASSED = '<testcase name="a"/>'
_FAILED = '<testcase name="b"><failure message="no"/></testcase>'
_BROKEN = '<testcase name="c"><error message="no"/></testcase>'
_SKIPPED = '<testcase name="d"><skipped message="not here"/></testcase>'


def report(folder: Path, *cases: str) -> Path:
    path = folder / "report.xml"
    path.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>", encoding="utf-8")
    return path


def test_reports_add_up(tmp_path: Path) -> None:
    counts = Counts()
    counts.add(report(tmp_path, _PASSED, _PASSED, _FAILED, _BROKEN, _SKIPPED), exit_code=1)
    counts.add(report(tmp_path, _PASSED), exit_code=0)
    assert counts.line() == "3 passed, 2 failed, 1 skipped"


def test_skipped_is_said_only_where_something_was(tmp_path: Path) -> None:
    counts = Counts()
    counts.add(report(tmp_path, _PASSED), exit_code=0)
    assert counts.line() == "1 passed, 0 failed"


def test_a_run_that_left_no_report_failed(tmp_path: Path) -> None:
    counts = Counts()
    counts.add(tmp_path / "missing.xml", exit_code=0)
    assert counts.line() == "0 passed, 1 failed"


def test_a_run_that_failed_without_a_failing_test_failed(tmp_path: Path) -> None:
    counts = Counts()
    counts.add(report(tmp_path, _PASSED), exit_code=4)
    assert counts.line() == "1 passed, 1 failed"


def test_a_check_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    waits = [sys.executable, "-c", "import threading; threading.Event().wait()"]
    with (tmp_path / "log").open("w") as log:
        assert run(waits, time.monotonic(), folder=tmp_path, log=log) != 0
    assert "Stopped, because the checks have taken 39 minutes: python" in (tmp_path / "log").read_text()


def test_every_folder_of_tests_is_in_one_part() -> None:
    parts = parts_of_the_tests()
    everything, *ignored = parts.pop("rest")
    named = [folder for folders in parts.values() for folder in folders]
    assert everything == "tests"
    assert ignored == [f"--ignore={folder}" for folder in named]
    assert len(set(named)) == len(named)
    assert all((ROOT / folder).is_dir() for folder in named)
