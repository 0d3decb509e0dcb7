"""The types that users see, as mypy sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mypy import api

USER_CODE = Path(__file__).with_name("user_code.py")


def checked(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """What mypy says of the file, without this project's configuration."""
    monkeypatch.chdir(USER_CODE.parents[2])
    said, trouble, status = api.run(["--strict", "--config-file=", "--follow-imports=silent", str(path)])
    assert trouble == ""
    return said, status


def test_user_code_has_the_promised_types(monkeypatch: pytest.MonkeyPatch) -> None:
    said, status = checked(USER_CODE, monkeypatch)
    assert status == 0, said


def test_mistakes_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import llm_notebook as llm\nllm.get_model(5)\nx: int = llm.get_model().prompt('x').text()\n")
    said, status = checked(wrong, monkeypatch)
    assert status == 1
    assert "arg-type" in said
    assert "assignment" in said
