"""Attachments: types are detected from the content, and bytes are read when they are needed."""

from __future__ import annotations

import base64
import hashlib
import wave
from pathlib import Path

import pytest

import llm_notebook as llm

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PNG, "image/png"),
        (b"GIF89a\x01\0\x01\0\0\0\0", "image/gif"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"RIFF\x1a\0\0\0WEBPVP8L", "image/webp"),
        (b"%PDF-1.7\n", "application/pdf"),
    ],
)
def test_the_type_is_told_from_the_content_not_the_name(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_bytes(content)
    assert llm.Attachment(content=content).resolve_type() == expected
    assert llm.Attachment(path=str(path)).resolve_type() == expected


def test_sound_is_recognised_as_the_type_that_models_list(tmp_path: Path) -> None:
    path = tmp_path / "sound"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 8)
    assert llm.Attachment(path=str(path)).resolve_type() == "audio/wav"


def test_a_given_type_wins_and_a_url_goes_by_its_name() -> None:
    assert llm.Attachment(type="image/x-own", content=PNG).resolve_type() == "image/x-own"
    assert llm.Attachment(url="https://example.org/a/b.png?size=5#top").resolve_type() == "image/png"


def test_an_attachment_of_nothing_says_so() -> None:
    empty = llm.Attachment()
    for read in (empty.resolve_type, empty.content_bytes, empty.id):
        with pytest.raises(ValueError, match="This attachment is empty: give it a path, a url or content"):
            read()


@pytest.mark.parametrize(
    ("written", "usual"),
    [
        ("image/jpg", "image/jpeg"),
        ("Image/PNG; charset=binary", "image/png"),
        ("audio/mp3", "audio/mpeg"),
        ("", "image/png"),
    ],
)
def test_a_synonym_is_the_type_that_models_list(written: str, usual: str) -> None:
    assert llm.Attachment(type=written, content=PNG).resolve_type() == usual
    assert llm.Attachment(type="application/octet-stream", content=PNG).resolve_type() == "image/png"


def test_a_data_url_is_content(tmp_path: Path) -> None:
    encoded = base64.b64encode(PNG).decode()
    for url in (
        f"data:image/png;base64,{encoded}",
        f"DATA:;base64,{encoded}",
        f"data:image/png;base64,{encoded[:40]}%0A{encoded[40:]}",
    ):
        attachment = llm.Attachment(url=url)
        assert (attachment.resolve_type(), attachment.content_bytes()) == ("image/png", PNG)
        assert attachment.id() == hashlib.sha256(PNG).hexdigest()
        assert attachment.settled() in (llm.Attachment("image/png", content=PNG), llm.Attachment(content=PNG))
    assert llm.Attachment(url="data:text/plain,a%20b").content_bytes() == b"a b"


def test_an_error_repeats_no_content() -> None:
    with pytest.raises(ValueError, match="5,013 characters") as caught:
        llm.Attachment(url="data:;base64," + "A" * 5000).resolve_type()
    assert len(str(caught.value)) < 200
    assert len(repr(llm.Attachment(url="data:;base64," + "A" * 5000))) < 200


def test_paths_are_text_and_content_is_bytes(tmp_path: Path) -> None:
    assert llm.Attachment(path=tmp_path / "a.png").to_dict() == {"path": str(tmp_path / "a.png")}
    assert llm.Attachment(content=bytearray(PNG)) == llm.Attachment(content=PNG)
    with pytest.raises(TypeError, match="content= takes bytes, not str"):
        llm.Attachment(content="text")  # type: ignore[arg-type]


def test_what_cannot_be_told_is_asked_for() -> None:
    for attachment in (llm.Attachment(url="http://127.0.0.1:9/picture"), llm.Attachment(content=b"")):
        with pytest.raises(ValueError, match="give it, as in Attachment"):
            attachment.resolve_type()


def test_bytes_come_from_content_or_path(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    for attachment in (llm.Attachment(content=PNG), llm.Attachment(path=str(path))):
        assert attachment.content_bytes() == PNG
        assert base64.b64decode(attachment.base64_content()) == PNG
        assert attachment.id() == hashlib.sha256(PNG).hexdigest()


def test_a_home_folder_may_be_written_as_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "a.png").write_bytes(PNG)
    assert llm.Attachment(path="~/a.png").content_bytes() == PNG
    assert llm.Attachment(path="~/a.png").resolve_type() == "image/png"


def test_a_url_is_left_to_the_provider() -> None:
    attachment = llm.Attachment(url="https://example.org/a.png")
    assert attachment.id() == hashlib.sha256(b'{"url": "https://example.org/a.png"}').hexdigest()
    with pytest.raises(ValueError, match="fetched by the provider"):
        attachment.content_bytes()


def test_repr_shows_no_bytes() -> None:
    assert (
        repr(llm.Attachment("image/png", content=b"x" * 2000)) == "Attachment(type='image/png', content=<2,000 bytes>)"
    )


def test_values_are_equal_and_survive_json() -> None:
    attachment = llm.Attachment("image/png", content=PNG)
    assert attachment == llm.Attachment("image/png", content=bytes(PNG))
    assert llm.Attachment.from_dict(attachment.to_dict()) == attachment
    assert llm.Attachment(url="https://a").to_dict() == {"url": "https://a"}
