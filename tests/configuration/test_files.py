"""Shared files survive other writers, bad content, full disks and missing locks; reading neither raises nor writes."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llm_notebook.configuration import files
from llm_notebook.configuration.files import ConfigurationWarning, JSONFile, TextFile
from llm_notebook.errors import ModelError

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX modes, links and limits")

BAD_CONTENTS = {
    "empty": b"",
    "blank": b" \n",
    "truncated": b'{"fast": "gpt-4o-mi',
    "not UTF-8": b'{"fast": "\xff\xfe"}',
    "UTF-16": '{"fast": "x"}'.encode("utf-16"),
    "NUL bytes": b"\0" * 20,
    "list": b'["fast"]',
    "string": b'"fast"',
    "number": b"7",
    "huge number": b"7" * 5000,
    "null": b"null",
    "too deep": b'{"a":' * 100_000,
    "two objects": b"{}{}",
}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "aliases.json"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def kept_copies(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.bad-*"))


def leftovers(path: Path) -> list[str]:
    """Return the files that an update has left beside the file, except its lock."""
    return sorted(item.name for item in path.parent.iterdir() if item.name not in {path.name, f".{path.name}.lock"})


def assert_silent_and_empty(file: JSONFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert file.read() == {}


def settle(path: Path) -> None:
    """Make the file look as if it had been written a minute ago."""
    long_ago = time.time() - 60
    os.utime(path, (long_ago, long_ago))


def test_a_missing_file_is_empty_without_a_word_and_is_not_made(path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert JSONFile(path).read() == {}
        assert TextFile(path).read() is None
    assert not path.exists()


def test_what_is_stored_is_read_by_another_reader(path):
    JSONFile(path).update(lambda aliases: aliases | {"fast": "gpt-4o-mini", "ü": "ä"})
    assert JSONFile(path).read() == {"fast": "gpt-4o-mini", "ü": "ä"}
    TextFile(path.with_suffix(".txt")).update(lambda _: "gpt-4o")
    assert TextFile(path.with_suffix(".txt")).read() == "gpt-4o"
    assert path.with_suffix(".txt").read_text() == "gpt-4o"


def test_what_a_reader_does_to_the_value_stays_with_the_reader(path):
    file = JSONFile(path)
    file.update(lambda _: {"fast": "x"})
    file.read().clear()
    assert file.read() == {"fast": "x"}


def test_a_change_by_another_writer_is_seen_at_once_even_with_the_same_size_and_time(path):
    path.write_text('{"a": "1"}')
    file = JSONFile(path)
    before = path.stat()
    assert file.read() == {"a": "1"}
    with open(path, "r+") as other:
        other.write('{"a": "2"}')
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.read() == {"a": "2"}


def test_a_change_is_seen_on_a_file_system_whose_clock_does_not_tell_it(path, monkeypatch):
    monkeypatch.setattr(files, "version_of", lambda status: (status.st_size,))
    path.write_text('{"a": "1"}')
    file = JSONFile(path)
    assert file.read() == {"a": "1"}
    path.write_text('{"a": "2"}')
    assert file.read() == {"a": "2"}


def test_an_unchanged_file_is_not_opened_again(path, monkeypatch):
    path.write_text('{"a": "1"}')
    settle(path)
    file = JSONFile(path)
    assert file.read() == {"a": "1"}
    opened: list[object] = []
    monkeypatch.setattr(files, "read_regular_file", lambda *args: opened.append(args))
    assert file.read() == {"a": "1"}
    assert opened == []


@pytest.mark.parametrize("content", BAD_CONTENTS.values(), ids=BAD_CONTENTS.keys())
def test_bad_content_costs_one_warning_on_reading_and_is_kept_aside_on_writing(content, path):
    path.write_bytes(content)
    file = JSONFile(path)
    with pytest.warns(ConfigurationWarning, match=r"aliases\.json .*counts as empty"):
        assert file.read() == {}
    assert_silent_and_empty(file)
    assert path.read_bytes() == content
    assert leftovers(path) == []

    file.update(lambda aliases: aliases | {"fast": "x"})
    assert file.read() == {"fast": "x"}
    assert [copied.read_bytes() for copied in kept_copies(path)] == ([content] if content.strip() else [])
    if os.name == "posix":
        assert all(mode(copied) == 0o600 for copied in kept_copies(path))


def test_each_bad_version_is_warned_about_and_kept(path):
    file = JSONFile(path)
    for content in ("[1]", "[22]", "[333]"):
        path.write_text(content)
        with pytest.warns(ConfigurationWarning):
            file.read()
        file.update(lambda _: {"fast": "x"})
    assert sorted(copied.read_text() for copied in kept_copies(path)) == ["[1]", "[22]", "[333]"]


@given(content=st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
def test_no_bytes_whatever_make_reading_raise(content, tmp_path):
    for file in (JSONFile(tmp_path / "f.json", value_type=str), TextFile(tmp_path / "f.txt")):
        file.path.write_bytes(content)
        settle(file.path)
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            value = file.read()
        assert isinstance(value, dict | str | None)
        assert file.path.read_bytes() == content


def test_values_of_the_wrong_type_are_left_out_with_a_warning_and_stay_in_the_file(path):
    path.write_text('{"good": "x", "a": null, "b": {"c": [null]}, "d": 1, "e": ["x"]}')
    file = JSONFile(path, value_type=str)
    with pytest.warns(ConfigurationWarning, match=r"'a' \(null\), 'b' \(object\), 'd' \(number\) and 1 more"):
        assert file.read() == {"good": "x"}
    file.update(lambda values: values | {"new": "y"})
    assert JSONFile(path).read() == {
        "good": "x", "a": None, "b": {"c": [None]}, "d": 1, "e": ["x"], "new": "y",
    }  # fmt: skip
    assert kept_copies(path) == []


def test_a_byte_order_mark_is_warned_about_and_the_content_used(path):
    path.write_text('{"fast": "x"}', encoding="utf-8-sig")
    with pytest.warns(ConfigurationWarning, match="byte-order mark"):
        assert JSONFile(path).read() == {"fast": "x"}


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"\0\0\0", b"one\ntwo", b"\x1b[31mred"])
def test_text_that_is_not_one_line_is_none_with_a_warning(content, path):
    path.write_bytes(content)
    with pytest.warns(ConfigurationWarning):
        assert TextFile(path).read() is None
    TextFile(path).update(lambda _: None)
    assert not path.exists()
    assert [copied.read_bytes() for copied in kept_copies(path)] == ([content] if content.strip() else [])


def test_a_file_that_another_program_is_writing_is_read_when_it_is_whole(path, monkeypatch):
    path.write_text('{"fast": ')

    def the_other_program_finishes(_seconds):
        path.write_text('{"fast": "x"}')

    monkeypatch.setattr(files.time, "sleep", the_other_program_finishes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert JSONFile(path).read() == {"fast": "x"}


def test_a_folder_in_its_place_costs_a_warning_and_is_never_overwritten(path):
    path.mkdir()
    (path / "inside").touch()
    file = JSONFile(path)
    with pytest.warns(ConfigurationWarning, match="cannot be read"):
        assert file.read() == {}
    assert_silent_and_empty(file)
    with pytest.raises(ModelError, match="Nothing was written: move it away"):
        file.update(lambda _: {"fast": "x"})
    assert (path / "inside").exists()


@posix
def test_a_named_pipe_in_its_place_does_not_block(path):
    os.mkfifo(path)
    with pytest.warns(ConfigurationWarning, match="not a regular file"):
        assert JSONFile(path).read() == {}


def test_a_file_where_its_folder_should_be_costs_a_warning(tmp_path):
    (tmp_path / "folder").touch()
    with pytest.warns(ConfigurationWarning, match="cannot be read"):
        assert JSONFile(tmp_path / "folder" / "aliases.json").read() == {}


@posix
def test_permissions_that_forbid_reading_or_writing_are_respected(path):
    path.write_text('{"fast": "x"}')
    path.chmod(0o000)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read and write everything")
    with pytest.warns(ConfigurationWarning, match="cannot be read"):
        assert JSONFile(path).read() == {}
    path.chmod(0o400)
    with pytest.raises(ModelError, match="write-protected"):
        JSONFile(path).update(lambda _: {})
    path.chmod(0o600)
    path.parent.chmod(0o500)
    try:
        with pytest.raises(ModelError, match="could not be written"):
            JSONFile(path).update(lambda _: {})
    finally:
        path.parent.chmod(0o700)
    assert JSONFile(path).read() == {"fast": "x"}


@posix
@pytest.mark.parametrize(
    ("private", "existing", "expected"),
    [(False, None, 0o600), (False, 0o644, 0o644), (False, 0o664, 0o664), (True, None, 0o600), (True, 0o644, 0o600)],
)
def test_modes(private, existing, expected, path):
    if existing is not None:
        path.write_text("{}")
        path.chmod(existing)
    JSONFile(path, private=private).update(lambda _: {"fast": "x"})
    assert mode(path) == expected


@posix
def test_a_file_that_is_too_open_is_closed_even_when_its_value_stays(path):
    path.write_text('{"fast": "x"}')
    path.chmod(0o644)
    JSONFile(path, private=True).update(lambda value: value)
    assert mode(path) == 0o600


@posix
def test_a_private_file_is_never_open_to_others_not_even_before_it_has_content(path, monkeypatch):
    modes: list[int] = []
    create = os.open

    def watched(name, flags, *args, **kwargs):
        descriptor = create(name, flags, *args, **kwargs)
        if str(name).endswith(".tmp"):
            modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    path.write_text("{}")
    path.chmod(0o666)
    before = os.umask(0)
    try:
        monkeypatch.setattr(os, "open", watched)
        JSONFile(path, private=True).update(lambda _: {"fast": "x"})
    finally:
        os.umask(before)
    assert modes == [0o600]


def test_an_update_that_changes_nothing_leaves_the_file_alone(path):
    path.write_text('{"fast":"x"}')
    before = path.stat()
    JSONFile(path).update(lambda value: value | {"fast": "x"})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_change_that_raises_leaves_everything_as_it_was(path):
    path.write_text("[broken")

    def refuse(_value):
        raise KeyError("no")

    with pytest.raises(KeyError):
        JSONFile(path).update(refuse)
    assert path.read_text() == "[broken"
    assert leftovers(path) == []


@posix
def test_symbolic_links_stay_and_their_targets_are_replaced(path, tmp_path):
    target = tmp_path / "elsewhere" / "real.json"
    target.parent.mkdir()
    target.write_text("{}")
    path.symlink_to(target)
    JSONFile(path).update(lambda _: {"fast": "x"})
    assert path.is_symlink()
    assert JSONFile(target).read() == {"fast": "x"}
    assert sorted(target.parent.iterdir()) == [target]


@posix
def test_a_link_in_a_circle_and_a_link_to_nowhere_are_told_in_a_sentence(path):
    path.symlink_to(path)
    with pytest.warns(ConfigurationWarning, match="cannot be read"):
        assert JSONFile(path).read() == {}
    with pytest.raises(ModelError, match="leads back to itself"):
        JSONFile(path).update(lambda _: {})
    path.unlink()
    path.symlink_to(path.parent / "nowhere" / "real.json")
    with pytest.raises(ModelError, match="could not be written"):
        JSONFile(path).update(lambda _: {"fast": "x"})
    assert path.is_symlink()


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_is_one_sentence_and_the_old_file_stays(step, path, monkeypatch):
    path.write_text('{"fast": "x"}')

    def fail(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(ModelError, match=r"could not be written \(No space left on device\); it is as it was\."):
        JSONFile(path).update(lambda _: {"fast": "y"})
    assert path.read_text() == '{"fast": "x"}'
    assert leftovers(path) == []


def test_an_interrupt_in_the_middle_of_a_write_leaves_the_old_file_and_no_lock(path, monkeypatch):
    path.write_text('{"fast": "x"}')

    def interrupt(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            JSONFile(path).update(lambda _: {"fast": "y"})
    assert path.read_text() == '{"fast": "x"}'
    assert leftovers(path) == []
    JSONFile(path).update(lambda _: {"fast": "z"})
    assert JSONFile(path).read() == {"fast": "z"}


FULL_DISK = """
import resource, sys
from pathlib import Path
from llm_notebook.errors import ModelError
from llm_notebook.configuration.files import JSONFile
file = JSONFile(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    file.update(lambda value: value | {"long": "x" * 5000})
except ModelError as error:
    print(error)
"""


@posix
@pytest.mark.parametrize("content", ['{"fast": "x"}', "[" + "broken " * 300])
def test_a_real_limit_on_file_size_leaves_the_old_file(content, path):
    path.write_text(content)
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout == f"{path} could not be written (File too large); it is as it was.\n"
    assert path.read_text() == content
    assert leftovers(path) == []


@posix
@pytest.mark.parametrize("reason", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_costs_a_warning(reason, path, monkeypatch):
    import fcntl  # not on every platform

    def unsupported(*_args):
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with pytest.warns(ConfigurationWarning, match=r"written without a lock \("):
        JSONFile(path).update(lambda _: {"fast": "x"})
    assert JSONFile(path).read() == {"fast": "x"}


def test_a_lock_that_nobody_gives_back_is_told_in_a_sentence(path, monkeypatch):
    from filelock import FileLock  # as the module itself does

    monkeypatch.setattr(files, "_LOCK_TIMEOUT_SECONDS", 0.0)
    file = JSONFile(path)
    outcome: list[str] = []

    def try_to_write():
        try:
            file.update(lambda _: {})
        except ModelError as error:
            outcome.append(str(error))

    with FileLock(file.lock_path):
        thread = threading.Thread(target=try_to_write)
        thread.start()
        thread.join()
    assert len(outcome) == 1
    assert "another process has held" in outcome[0]
    assert not path.exists()


def test_threads_that_share_one_object_lose_nothing(path):
    file = JSONFile(path)

    def add(first: int) -> None:
        for number in range(first, first + 10):
            file.update(lambda values, number=number: values | {str(number): "x"})

    threads = [threading.Thread(target=add, args=(first,)) for first in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(file.read()) == 40


def test_the_content_of_a_file_does_not_show_in_a_repr():
    assert repr(files.FileBytes(b"sk-secret")) == "<9 bytes>"


def test_importing_the_storage_modules_loads_nothing_heavy():
    heavy = {"pydantic", "httpx", "ssl", "filelock", "platformdirs", "IPython", "sqlite3", "tempfile"}
    code = f"import sys, llm_notebook.configuration.keys, llm_notebook.configuration.choices; print(sorted({heavy} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert run.stdout.strip() == "[]"
