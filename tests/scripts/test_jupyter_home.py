"""The Jupyter of the demo and of the tests reads and writes none of the user's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.jupyter_home import jupyter_environment


def test_all_folders_and_the_kernel_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTERLAB_SETTINGS_DIR", "IPYTHONDIR"):
        monkeypatch.setenv(name, "/the/user's")
    script = """
import json
from IPython.paths import get_ipython_dir
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core import paths
from llm_notebook.configuration.folders import user_dir
folders = [get_ipython_dir(), paths.jupyter_config_dir(), paths.jupyter_data_dir(), paths.jupyter_runtime_dir()]
kernel = KernelSpecManager().get_kernel_spec("python3")
print(json.dumps([[*folders, str(user_dir())], kernel.resource_dir, paths.jupyter_path()]))
"""
    environment = jupyter_environment(tmp_path)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), environment.get("PYTHONPATH", "")])
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    folders, kernel, searched = json.loads(said.stdout)
    assert all(Path(folder).is_relative_to(tmp_path) for folder in folders)
    assert Path(kernel).is_relative_to(sys.prefix)
    assert not any("user's" in folder for folder in searched)


def test_settings_that_the_user_changed_are_kept(tmp_path: Path) -> None:
    environment = jupyter_environment(tmp_path)
    (settings,) = Path(environment["JUPYTERLAB_SETTINGS_DIR"]).rglob("*.jupyterlab-settings")
    settings.write_text('{"fetchNews": "true"}', encoding="utf-8")
    jupyter_environment(tmp_path)
    assert json.loads(settings.read_bytes()) == {"fetchNews": "true"}
