"""Finds a Chromium or Chrome for the browser tests, and installs one where that needs no permission."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["ARGUMENTS", "find_chromium", "provide_chromium"]

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Command-line arguments for a browser that connects to the server of the test and to nothing else."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def find_chromium() -> str | None:
    """Return the path of the browser that `CHROMIUM` names, or of the first one found, or None."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    homes = ("", str(Path.home()))
    return found or next((home + path for path in _MACOS for home in homes if Path(home + path).exists()), None)


def provide_chromium() -> str | None:
    """Return the path of a browser, or None. As root on a system with apt-get, install Debian's `chromium` if there is none."""
    found = find_chromium()
    if found or not (shutil.which("apt-get") and os.geteuid() == 0):
        return found
    print("Installing chromium ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-liberation"]
    for command in (["apt-get", "update"], install):
        done = subprocess.run(command, env=environment, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode:
            sys.stderr.write(done.stderr.decode(errors="replace"))
    return find_chromium()
