"""The location of the journal's file, its permissions, and the disks that count as local."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import open_sqlite_journal
from llm_notebook.journal.sqlite.location import is_on_local_disk, local_by_mount_output, local_by_mountinfo
from tests.journal.making import begun, done, ended, moved, proposed, request

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX modes and links")

MOUNTINFO = r"""
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 21 0:26 / /home rw,nosuid shared:9 - nfs4 server:/export/home rw,vers=4.2
31 30 254:1 / /home/ada/fast rw - xfs /dev/vdb rw
32 21 0:30 / /mnt/with\040space rw - fuse.sshfs ada@host:/ rw
33 21 0:31 / /mnt/twice rw - ext4 /dev/vdc rw
34 33 0:32 / /mnt/twice rw - cifs //server/share rw
35 21 0:33 / /mnt/new rw - someday rw
"""
MOUNT_OUTPUT = """
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
/dev/disk3s5 on /System/Volumes/Data (apfs, local, journaled, nobrowse)
//ada@server/share on /Volumes/share (1) (smbfs, nodev, nosuid, mounted by ada)
sshfs@macfuse0 on /Volumes/far (macfuse, local, synchronous)
"""


@pytest.mark.parametrize(
    ("path", "is_local"),
    [
        ("/var/journal.db", True),
        ("/home/ada/journal.db", False),
        ("/home/ada/fast/journal.db", True),
        ("/home/ada/faster/journal.db", False),
        ("/mnt/with space/journal.db", False),
        ("/mnt/twice/journal.db", False),
        ("/mnt/new/journal.db", False),
    ],
)
def test_linux_says_which_disks_are_local(path, is_local):
    assert local_by_mountinfo(MOUNTINFO, Path(path)) is is_local


@pytest.mark.parametrize(
    ("path", "is_local"),
    [
        ("/Users/ada/journal.db", True),
        ("/System/Volumes/Data/journal.db", True),
        ("/Volumes/share (1)/journal.db", False),
        ("/Volumes/far/journal.db", False),
    ],
)
def test_macos_says_which_disks_are_local(path, is_local):
    assert local_by_mount_output(MOUNT_OUTPUT, Path(path)) is is_local


def test_this_system_can_tell_for_the_folder_of_the_tests(tmp_path):
    assert is_on_local_disk(tmp_path / "journal.db") is True


def test_the_environment_says_where_it_lies(monkeypatch, tmp_path):
    monkeypatch.setenv("LLM_NOTEBOOK_JOURNAL", str(tmp_path / "named.db"))
    with open_sqlite_journal() as journal:
        assert journal.path == tmp_path / "named.db"
    monkeypatch.delenv("LLM_NOTEBOOK_JOURNAL")
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path / "user"))
    with open_sqlite_journal() as journal:
        assert journal.path == tmp_path / "user" / "llm_notebook" / "journal.db"
    monkeypatch.delenv("LLM_USER_PATH")
    monkeypatch.setenv("LLM_NOTEBOOK_DATA", str(tmp_path / "data"))
    with open_sqlite_journal() as journal:
        assert journal.path == tmp_path / "data" / "journal.db"


@posix
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_may_read_any_of_its_files(path, mask):
    before = os.umask(mask)
    try:
        with open_sqlite_journal(path) as journal:
            done(journal, begun(), proposed(), moved("K1", "proposed", "waiting", request=request()), ended())
            owner = journal.owner
            modes = {item.name: stat.S_IMODE(item.stat().st_mode) for item in path.parent.iterdir()}
    finally:
        os.umask(before)
    endings = ("", "-wal", "-shm", "-lock", f"-owner-{owner}")
    assert set(modes) == {f"journal.db{ending}" for ending in endings}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
def test_a_symbolic_link_leads_to_the_same_journal(path, tmp_path):
    with open_sqlite_journal(path) as journal:
        done(journal, begun())
        link = tmp_path / "link.db"
        link.symlink_to(path)
        with open_sqlite_journal(link) as other:
            assert other.path == path
            assert other.turn("T1") is not None


@pytest.mark.parametrize("kind", ["folder", "parent is a file", "pipe", "loop"])
def test_something_else_in_its_place_is_told_in_one_sentence(tmp_path, kind):
    path = tmp_path / "journal.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "loop":
        path.symlink_to(path)
    else:
        path.write_text("")
        path = path / "journal.db"
    with pytest.raises(JournalError, match=r"journal\.db.*LLM_NOTEBOOK_JOURNAL") as caught:
        open_sqlite_journal(path)
    assert str(caught.value).count("\n") == 0


@posix
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    with pytest.raises(JournalError, match=r"cannot be created \(Permission denied\): set LLM_NOTEBOOK_JOURNAL"):
        open_sqlite_journal(folder / "journal.db")
