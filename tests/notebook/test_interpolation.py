"""`{{ expression }}`: the values in a prompt, and the message about an expression that has none."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.interpolation import interpolate, prompt_text
from tests.notebook.scripted import sent


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Say {{ name }}.", "Say Ada."),
        ("{{name}}{{name}}", "AdaAda"),
        ('{"name": "{{name}}"}', '{"name": "Ada"}'),
        ('{"name": {{n}}}', '{"name": 3}'),
        ("{{ {1: {2: 3}}}}", "{1: {2: 3}}"),
        ("{{ {1, 1} }}", "{1}"),
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
        ("{{ stopped }}", "{{ stopped }} is a function, not a value"),
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


@given(st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_literal_is_found_whole(value: Any) -> None:
    expected = value if isinstance(value, str) else str(value)
    assert interpolate(f"<{{{{ {value!r} }}}}>", {}) == f"<{expected}>"
    assert interpolate(f"{{{{{value!r}}}}}", {}) == expected


def test_a_data_frame_is_a_table_that_says_what_it_left_out() -> None:
    pandas = pytest.importorskip("pandas")
    small = pandas.DataFrame({"na|me": ["a|b\nc"], "n": [1.5]})
    assert prompt_text(small) == "| na\\|me | n |\n| --- | --- |\n| a\\|b c | 1.5 |"
    large = prompt_text(pandas.DataFrame([range(30)] * 1200)).splitlines()
    assert len(large) == 2 + 50 + 2
    assert large[0].count("|") == 21
    assert large[-1] == "(1,150 of 1,200 rows and 10 of 30 columns left out)"


def test_the_labels_of_a_data_frame_are_kept_where_they_say_something() -> None:
    pandas = pytest.importorskip("pandas")
    assert (
        prompt_text(pandas.Series([1, 2], index=["x", "y"], name="n"))
        == "|  | n |\n| --- | --- |\n| x | 1 |\n| y | 2 |"
    )
    index = pandas.MultiIndex.from_tuples([("x", 1)], names=["k", None])
    both = pandas.DataFrame([[5]], index=index, columns=pandas.MultiIndex.from_tuples([("a", "b")]))
    assert prompt_text(both) == "| k |  | a b |\n| --- | --- | --- |\n| x | 1 | 5 |"
    assert prompt_text(pandas.DataFrame()) == "|  |\n|  |"


def test_a_large_array_says_that_it_is_not_whole() -> None:
    numpy = pytest.importorskip("numpy")
    assert prompt_text(numpy.arange(3)) == "[0 1 2]"
    large = prompt_text(numpy.zeros((100, 100)))
    assert "..." in large
    assert large.endswith("(an array of 100 by 100 float64 values; all but the first and last ones are left out)")
    with numpy.printoptions(threshold=sys.maxsize):
        assert "..." not in prompt_text(numpy.zeros((100, 100)))


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
