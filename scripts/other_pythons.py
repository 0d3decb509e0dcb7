"""Finds another Python of this machine, and makes an environment for the core's tests with it and with the oldest packages that we allow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["CORE", "find_other_python", "install", "oldest_packages"]

ROOT = Path(__file__).resolve().parent.parent

CORE = [
    "--deselect=tests/turns/test_killed_chains.py",
    *(f"tests/{room}" for room in "parts tools templates configuration turns transcript models".split()),
]
"""What to give pytest: the folders whose tests need neither a front end, nor a kernel, nor the packages of a provider.

Those that start processes by the hundred or talk over sockets are left out: what they show does not depend on the Python.
"""

# What has had a release that broke its users is tried at its floor, too.
_AT_THEIR_FLOOR = ("puremagic", "markdown-it-py")


def find_other_python() -> tuple[str, Path] | None:
    """Return the Python of this machine that differs most from this one and can run the package, with its version; None if there is no other.

    What works with two Pythons works with those between them. Pyenv's are found as well.
    """
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    own = sys.version_info[1]
    for minor in sorted(range(11, 15), key=lambda minor: -abs(minor - own)):
        version = f"3.{minor}"
        named = shutil.which(f"python{version}")
        candidates = [*([Path(named)] if named else []), *sorted(root.glob(f"versions/{version}.*/bin/python"))]
        if minor != own and (usable := next(filter(_can_make_environments, candidates), None)):
            return version, usable
    return None


def _can_make_environments(python: Path) -> bool:
    run = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    return run.returncode == 0


def oldest_packages() -> Iterator[str]:
    """Yield requirements for the oldest release that `pyproject.toml` allows, for each package that is tried at its floor."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for package in _AT_THEIR_FLOOR:
        floor = re.search(rf'"{package}>=([\d.]+)"', text)
        assert floor, f"pyproject.toml gives no floor for {package}"
        yield f"{package}=={floor[1]}"


def install(python: Path, version: str) -> Path | None:
    """Make an environment for the core's tests, unless it is there. Return its Python; None if pip failed, whose output is shown.

    Args:
        python: the Python to make it with.
        version: its version, which names the environment.
    """
    folder = ROOT / ".cache" / "pythons" / version
    inside = folder / "bin" / "python"
    if not inside.exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
    pip = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    wanted = ["--editable", ".[data,image,core-tests]", *oldest_packages()]
    return inside if subprocess.run([*pip, *wanted], cwd=ROOT, check=False).returncode == 0 else None
