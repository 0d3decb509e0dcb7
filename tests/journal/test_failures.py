"""Failures are reported in one sentence that names the file and says what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.connections import explaining
from llm_notebook.journal.sqlite.failures import explained

PATH = Path("/home/ada/journal.db")


@pytest.mark.parametrize(
    ("error", "what_to_do"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "give yourself write access to it and its folder"),
        (OSError(errno.EROFS, "Read-only file system"), "give yourself write access to it and its folder"),
        (OSError(errno.EIO, "Input/output error"), "set LLM_NOTEBOOK_JOURNAL to another file"),
        (sqlite3.OperationalError("whatever"), "set LLM_NOTEBOOK_JOURNAL to another file"),
        (sqlite3.OperationalError("Could not decode to UTF-8 column 'messages'"), "move it away"),
    ],
)
def test_a_failure_names_the_file_and_says_what_to_do(error, what_to_do):
    told = explained(error, PATH)
    assert isinstance(told, JournalError)
    assert str(told).startswith(f"The journal {PATH} ")
    assert what_to_do in str(told)
    assert str(told).count("\n") == 0


def test_what_sqlite_does_not_report_is_no_failure_of_the_journal():
    error = ValueError("a programming error")
    assert explained(error, PATH) is error
    with pytest.raises(ZeroDivisionError), explaining(PATH):
        raise ZeroDivisionError


@pytest.mark.parametrize("name", [name for name in dir(sqlite3) if name.startswith("SQLITE_IOERR_")][:5])
def test_extended_codes_are_told_like_their_primary_one(name):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = getattr(sqlite3, name)
    assert "look whether the disk is full, failing or gone" in str(explained(error, PATH))
