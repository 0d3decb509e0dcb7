"""Makes an environment in which Jupyter, IPython and `llm` keep their files in one given folder instead of the user's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

__all__ = ["jupyter_environment"]

# The user's kernels, configuration and start-up files would otherwise be found through these.
_INHERITED = ("JUPYTER", "IPYTHON", "IPY_", "LLM_USER_PATH", "PYTHONSTARTUP", "PYTEST_")


def jupyter_environment(home: Path) -> dict[str, str]:
    """Return the environment variables for a Jupyter process that leaves the user's configuration alone.

    Its kernel is that of the Python that is running. Model weights stay in the platform's data folder.

    Args:
        home: the folder for everything else. It is made, with settings for JupyterLab, if it is missing.
    """
    folders = {
        "JUPYTER_CONFIG_DIR": home / "jupyter" / "config",
        "JUPYTER_DATA_DIR": home / "jupyter" / "data",
        "JUPYTER_RUNTIME_DIR": home / "jupyter" / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "jupyter" / "lab" / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "jupyter" / "lab" / "workspaces",
        "IPYTHONDIR": home / "ipython",
        "LLM_USER_PATH": home / "llm",
    }
    for folder in folders.values():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Without these, JupyterLab asks about news in the first minute, and ipykernel warns about the loopback sockets that Jupyter
    # always uses.
    notifications = {"fetchNews": "false", "checkForUpdates": False}
    _write_once(
        folders["JUPYTERLAB_SETTINGS_DIR"] / "@jupyterlab/apputils-extension/notification.jupyterlab-settings",
        notifications,
    )
    _write_once(
        folders["IPYTHONDIR"] / "profile_default/ipython_kernel_config.json", {"IPKernelApp": {"log_level": "ERROR"}}
    )

    environment = {name: value for name, value in os.environ.items() if not name.startswith(_INHERITED)}
    environment |= {name: str(folder) for name, folder in folders.items()}
    environment["JUPYTER_PREFER_ENV_PATH"] = "1"
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    return environment


def _write_once(file: Path, settings: object) -> None:
    """Write settings unless the file exists, because the user may have changed them."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(json.dumps(settings), encoding="utf-8")
