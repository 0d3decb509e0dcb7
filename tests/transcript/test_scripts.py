"""Words whose letters come from several scripts are named in plain text, as they are marked on a page."""

from __future__ import annotations

import pytest

from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.scripts import mixed_words_note
from tests.transcript.sample_calls import asked, request


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("postgr\u0435s://x", "1 word mixes scripts: the first odd letter is a Cyrillic \u0435 (U+0435), not a Latin one."),
        ("p\u0430yp\u0430l \u0391lpha", "2 words mix scripts: the first odd letter is a Cyrillic \u0430 (U+0430), not a Latin one."),
        ("\u0441\u043e\u0441e", "1 word mixes scripts: the first odd letter is a Latin e (U+0065), not a Cyrillic one."),
        ("adm\uff49n", "1 word mixes scripts: the first odd letter is a styled \uff49 (U+FF49), not a Latin one."),
        ("r\U0001d428ot", "1 word mixes scripts: the first odd letter is a styled \U0001d428 (U+1D428), not a Latin one."),
    ],
)  # fmt: skip
def test_letters_of_another_script_in_a_word_are_named(text: str, said: str) -> None:
    assert mixed_words_note(text) == said


@pytest.mark.parametrize(
    "text",
    ["plain", "größer naïve", "Привет, world", "日本語のテスト", "Tシャツ", "한국어 text", "שלום 123", "5 µm", "e\u0301t\u00e9"],
)  # fmt: skip
def test_what_people_write_is_not(text: str) -> None:
    assert mixed_words_note(text) == ""


def test_a_question_says_it_in_both_forms_of_text() -> None:
    said = "1 word mixes scripts: the first odd letter is a Cyrillic \u0430"
    view = asked(request({"host": "p\u0430ypal.com", "note": "one\n\u0434\u0432\u0430"}))
    assert said in plain_of(view)
    assert said in markdown_of(view)
    assert "scripts" not in plain_of(asked(request({"host": "paypal.com", "note": "one\n\u0434\u0432\u0430"})))
