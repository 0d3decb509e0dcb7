"""Builds the front end if its sources are newer than its bundles, and links the bundle into this environment's JupyterLab."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.node import node_environment

__all__ = [
    "BUILDER",
    "NAME",
    "NOT_BUILT",
    "SOURCES",
    "build",
    "install_packages",
    "is_built",
    "link",
    "provide_front_end",
]

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "labextension"
NAME = "jupyter-llm-notebook"
BUILDER = "jupyter-builder>=1,<2"
NOT_BUILT = "The front end could not be built. What went wrong stands above."

_BUNDLE = ROOT / "llm_notebook" / "labextension"
_STATIC = ROOT / "llm_notebook" / "static"
_MADE = (_STATIC / "widget.js", _STATIC / "formulas.js", _BUNDLE / "package.json")
_NO_NODE = "The front end needs Node 20.19 or newer with npm: install it and try again."


def main() -> int:
    """Build and link. Return the exit code."""
    return int(not provide_front_end())


def provide_front_end() -> bool:
    """Bring the bundles up to date and link them into the JupyterLab of this environment.

    Returns:
        False if they could not be built; the reason is printed.
    """
    if not is_built() and not (_provide_builder() and build()):
        print(NOT_BUILT, flush=True)
        return False
    link(Path(sys.prefix))
    return True


def is_built() -> bool:
    """Return True if every bundle is there and none is older than a source."""
    if not all(made.is_file() for made in _MADE):
        return False
    return max(path.stat().st_mtime for path in _sources()) <= min(made.stat().st_mtime for made in _MADE)


def install_packages(environment: Mapping[str, str]) -> bool:
    """Run `npm ci`, unless the packages of the lock file are installed already. Return whether that succeeded."""
    lock, installed = SOURCES / "package-lock.json", SOURCES / "node_modules" / ".package-lock.json"
    if installed.is_file() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return True
    return _npm(environment, "ci", "--no-progress", "--loglevel=error")


def build() -> bool:
    """Build the bundles with the `jupyter-builder` of this Python's environment. Return whether that succeeded."""
    environment = node_environment()
    if environment is None:
        print(_NO_NODE, flush=True)
        return False
    print("Building the front end (a minute the first time) ...", flush=True)
    programs = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    return (
        install_packages(environment)
        and _npm({**environment, "PATH": programs}, "run", "build", "--silent", "--loglevel=error")
        and is_built()
    )


def link(prefix: Path) -> None:
    """Link the bundle into the JupyterLab under `prefix`, so that later builds need no installation."""
    place = prefix / "share" / "jupyter" / "labextensions" / NAME
    if place.is_symlink() and place.resolve() == _BUNDLE:
        return
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.symlink_to(_BUNDLE, target_is_directory=True)
    except OSError:
        # On Windows only some accounts may make links.
        shutil.copytree(_BUNDLE, place)


def _sources() -> Iterator[Path]:
    yield from SOURCES.glob("package*.json")
    yield from SOURCES.glob("*.cjs")
    for folder in ("schema", "src", "style"):
        yield from (path for path in (SOURCES / folder).rglob("*") if path.is_file())


def _provide_builder() -> bool:
    """Install `jupyter-builder` unless it is there, as it is with JupyterLab 4.6 and later. Return whether that succeeded."""
    if importlib.util.find_spec("jupyter_builder") is not None:
        return True
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    return subprocess.run([*pip, BUILDER], check=False).returncode == 0


def _npm(environment: Mapping[str, str], *arguments: str) -> bool:
    try:
        done = subprocess.run(["npm", *arguments], cwd=SOURCES, env=environment, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        print(error, flush=True)
        return False
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
