"""Runs pieces of Python in fresh interpreters and prints what they cost."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Row", "cpu_of_program", "median_of", "print_table", "run_program", "serving"]

ROOT = Path(__file__).parent.parent


@dataclass(slots=True)
class Row:
    """One line of a result table.

    Attributes:
        what: what was measured.
        cost: its cost, in the unit of its table after scaling.
        peer: what it is compared to.
        peer_cost: the cost of that, in the same unit.
        aim: the ratio or cost that is acceptable, in words; "-" for none.
    """

    what: str
    cost: float
    peer: str
    peer_cost: float
    aim: str

    @property
    def ratio(self) -> float:
        return self.cost / self.peer_cost


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


def cpu_of_program(program: str) -> float:
    """Run a program in a fresh interpreter. Return its CPU seconds, user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, env=_environment(), stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_program(program: str, *arguments: str, python: str = sys.executable) -> dict[str, float]:
    """Run a program in a fresh interpreter. Return the JSON that it prints on its last line.

    Raises:
        RuntimeError: it failed; the message is what it wrote about that.
    """
    run = subprocess.run(
        [python, "-c", program, *arguments], check=False, env=_environment(), capture_output=True, text=True
    )
    if run.returncode:
        raise RuntimeError(f"The measured program failed:\n{run.stderr}")
    result: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return result


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[int]:
    """Run a server of `benchmarks` during the `with` block. Yield its port, which it prints first."""
    server = subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.communicate()


def median_of(samples: list[float]) -> float:
    """Return the median, which one busy moment of the machine does not move."""
    return statistics.median(samples)


def print_table(title: str, rows: list[Row], unit: str, scale: float) -> None:
    """Print a result table."""
    print(f"\n{title}")
    for row in rows:
        print(
            f"  {row.what:<34} {row.cost * scale:8.2f} {unit}   {row.ratio:6.2f}x {row.peer} "
            f"({row.peer_cost * scale:.2f} {unit})   aim {row.aim}"
        )
