"""Fixtures: a separate journal for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llm_notebook.journal.sqlite import SQLiteJournal, open_sqlite_journal
from tests.journal.making import begun, done


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is: not there yet, nor is its folder."""
    return tmp_path / "data" / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SQLiteJournal]:
    """A journal in which turn T1 has begun."""
    with open_sqlite_journal(path) as opened:
        done(opened, begun())
        yield opened
