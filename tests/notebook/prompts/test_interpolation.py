"""`{{ expression }}`: the values in a prompt, and the message about an expression that has none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.prompts.interpolation import interpolate
from llm_notebook.objects.described import Described
from tests.notebook.scripted import sent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Say {{ name }}.", "Say Ada."),
        ("{{name}}{{name}}", "AdaAda"),
        ('{"name": "{{name}}"}', '{"name": "Ada"}'),
        ('{"name": {{n}}}', '{"name": 3}'),
        ("{{ {1: {2: 3}}}}", '{"1": {"2": 3}}'),
        ("{{ {1, 1} }}", "[1]"),
        ("{{ '}}' }}", "}}"),
        ('{{ f"{n}" }}', "3"),
        ('{{ f"{{n}}" }}', "{n}"),
        ("{{ (lambda: n)() }}", "3"),
        ("{{ [n * k for k in range(n)] }}", "[0, 3, 6]"),
        ("{{ sum(n for _ in range(2)) }}", "6"),
        ("{{ n +\n 1 }}", "4"),
        ("{{ max(\n 1,\n n) }}", "3"),
        ("{{ None }}", "None"),
        ("{single} {n} { {n} }", "{single} {n} { {n} }"),
        ("an open {{ brace", "an open {{ brace"),
        ("}} {{ n }} }}", "}} 3 }}"),
    ],
)
def test_an_expression_becomes_its_value(text: str, expected: str) -> None:
    assert interpolate(text, {"name": "Ada", "n": 3}) == expected


def test_what_a_value_holds_is_not_evaluated_again() -> None:
    assert interpolate("{{ a }} {{ b }}", {"a": "{{ b }}", "b": "x"}) == "{{ b }} x"


class _Silent:
    def __str__(self) -> str:
        raise ValueError("has no text")


class _Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


def _unspeakable() -> None:
    raise _Unspeakable


def _stopped() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            r"\frac{{a}}{{b}}",
            "{{ a }} failed with NameError: name 'a' is not defined. Nothing was sent. Use --raw to send double",
        ),
        (
            r"{{\alpha}}",
            r"{{ \alpha }} is not a Python expression, so nothing was sent. Use --raw to send double braces as",
        ),
        ("{{ }}", "{{  }} is empty, so nothing was sent."),
        ("{{ x = 1 }}", "{{ x = 1 }} is not a Python expression"),
        ("{{ 1/0 }}", "{{ 1/0 }} failed with ZeroDivisionError: division by zero. Nothing was sent."),
        ("{{ silent }}", "{{ silent }} failed with ValueError: has no text. Nothing was sent."),
        ("{{ unspeakable() }}", "{{ unspeakable() }} failed with _Unspeakable. Nothing was sent."),
        ("{{ stopped() }}", "Stopped by you while {{ stopped() }} was computed. Nothing was sent."),
        ("{{ [].append }}", "{{ [].append }} is a builtin function or method, not a value"),
        ("{{ (x for x in []) }}", "{{ (x for x in []) }} is a generator, not a value"),
        ("{{ " + "(" * 500 + " }}", "{{ ((("),
    ],
)
def test_a_bad_expression_is_named_in_one_sentence(text: str, sentence: str) -> None:
    names = {"silent": _Silent(), "unspeakable": _unspeakable, "stopped": _stopped}
    with pytest.raises(CellError) as caught:
        interpolate(text, names)
    assert str(caught.value).startswith(sentence)


@given(st.text().filter(lambda text: "{{" not in text))
def test_text_without_double_braces_is_left_alone(text: str) -> None:
    assert interpolate(text, {}) == text


@given(
    st.recursive(
        st.integers() | st.text(max_size=40), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_literal_is_found_whole(value: Any) -> None:
    expected = str(value) if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False)
    assert interpolate(f"<{{{{ {value!r} }}}}>", {}) == f"<{expected}>"
    assert interpolate(f"{{{{{value!r}}}}}", {}) == expected


def test_an_object_becomes_what_the_table_of_objects_says() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"na|me": ["a|b\nc"], "n": [1.5]})
    assert interpolate("<{{ frame }}>", {"frame": frame}) == (
        "<pandas DataFrame, 1 row \u00d7 2 columns\n\n"
        "- na|me: str, 0 missing, 1 different value\n- n: float64, 0 missing, 1.5 to 1.5\n\n"
        "| na\\|me | n |\n| --- | --- |\n| a\\|b c | 1.5 |>"
    )
    assert "def test_an_object_becomes" in interpolate(
        "{{ f }}", {"f": test_an_object_becomes_what_the_table_of_objects_says}
    )


def test_a_picture_goes_beside_the_prompt_and_not_where_only_text_can_go() -> None:
    names = {"logo": b"\x89PNG\r\n\x1a\n" + b"0" * 20}
    found: list[Described] = []
    text = interpolate("Look at {{ logo }}.", names, found)
    assert text == "Look at (logo: image/png, 28 bytes, attached)."
    assert [attachment.type for described in found for attachment in described.attachments] == ["image/png"]
    with pytest.raises(CellError, match=r"\{\{ logo \}\} is a picture or another file, and only text can go here"):
        interpolate("{{ logo }}", names)


def test_a_prompt_in_a_function_sees_its_variables(terminal: InteractiveShell) -> None:
    sent.clear()
    terminal.run_cell("x = 'outer'; y = 1\ndef ask(x):\n    %llm {{ x }} {{ y }} {{ (lambda: x)() }}\nask('inner')")
    assert [prompt.prompt for prompt in sent] == ["inner 1 inner"]


def test_the_system_prompt_is_interpolated_too_and_raw_is_raw(terminal: InteractiveShell) -> None:
    sent.clear()
    terminal.run_cell("lang = 'Latin'\n%llm -s 'Answer in {{ lang }}' hi\n%llm --raw -s '{{ lang }}' {{ lang }}")
    assert [(prompt.system, prompt.prompt) for prompt in sent] == [
        ("Answer in Latin", "hi"),
        ("{{ lang }}", "{{ lang }}"),
    ]
