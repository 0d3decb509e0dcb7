"""Figures and pictures inside what a tool returns reach the model as pictures, and the text says where they stood."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from llm_notebook.objects.table import describe
from llm_notebook.parts.attachments import Attachment
from llm_notebook.tools.outputs import output_text

PICTURE = Image.new("RGB", (4, 3))
ATTACHED = Attachment("image/png", content=b"\x89PNG\r\n\x1a\n")


@pytest.mark.parametrize("make", [list, tuple, lambda parts: {"first": parts[0], "second": parts[1]}])
def test_a_picture_beside_text_is_attached(make: Any) -> None:
    text, attachments = output_text(make([PICTURE, "a cat"]))
    assert [attachment.type for attachment in attachments] == ["image/png"]
    told = json.loads(text)
    assert "(picture, 4 \u00d7 3, attached as number 1)" in (told.values() if isinstance(told, dict) else told)
    assert "a cat" in text


def test_pictures_are_found_in_lists_of_dicts_and_numbered() -> None:
    text, attachments = output_text([{"name": "a", "plot": PICTURE}, {"name": "b", "plot": [ATTACHED]}])
    assert len(attachments) == 2
    assert [row["name"] for row in json.loads(text)] == ["a", "b"]
    assert "attached as number 2" in text


def test_a_frame_beside_a_picture_is_a_table() -> None:
    text, attachments = output_text((PICTURE, pd.DataFrame({"amount": [1, 2]})))
    assert len(attachments) == 1
    assert "2 rows \u00d7 1 column" in text
    assert "| amount |" in text


def test_a_value_without_pictures_stays_as_it_is() -> None:
    value = {"rows": [1, {"deep": ("x", None)}]}
    assert json.loads(output_text(value)[0]) == {"rows": [1, {"deep": ["x", None]}]}


def test_a_list_that_holds_itself_ends() -> None:
    endless: list[object] = [PICTURE]
    endless.append(endless)
    assert isinstance(output_text(endless)[0], str)


def test_a_described_dict_has_its_pictures() -> None:
    described = describe({"plot": PICTURE, "mean": 3})
    assert len(described.attachments) == 1
    assert "mean" in described.text
