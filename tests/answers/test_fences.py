"""Blocks of code are found in an answer as Markdown has them."""

from __future__ import annotations

from llm_notebook.answers.fences import code_blocks


def test_blocks_are_found_in_order_with_their_languages() -> None:
    text = "As `x`:\n\n```python title=a\nprint('```')\n```\n\n- in a list:\n\n  ~~~sh\n  ls\n  ~~~\n\n````\n```\n````\n```open\nend"
    assert [(block.code, block.language) for block in code_blocks(text)] == [
        ("print('```')", "python"),
        ("ls", "sh"),
        ("```", ""),
        ("end", "open"),
    ]


def test_indented_code_is_no_block() -> None:
    assert code_blocks("Text\n\n    indented\n") == []
