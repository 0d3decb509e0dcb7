"""Tells whether the value of a `%llm` line is used, as in `answer = %llm …`.

IPython turns such a line into a method call, whose result becomes the variable's value. A plain `%llm …` is the same call, and the
notebook would show its value below the answer, which is shown already. So the magic looks at what its calling code does next: a value that
is dropped, or handed to the function that displays values, is not used.
"""

from __future__ import annotations

import dis
import sys
from types import FrameType

__all__ = ["is_value_used"]

_MAGICS = frozenset({"run_line_magic", "run_or_ask", "run_cell_magic"})
_DROPS = frozenset({"POP_TOP", "PRINT_EXPR"})


def is_value_used() -> bool:
    """Return whether the running magic is called for its value: it is assigned, passed on or returned."""
    frame = _caller(sys._getframe(1))
    while frame is not None:
        after = frame.f_lasti
        following = next((found for found in dis.get_instructions(frame.f_code) if found.offset > after), None)
        if following is None or following.opname in _DROPS:
            return False
        if following.opname != "RETURN_VALUE" or frame.f_code.co_name != "<module>":
            # Since Python 3.12, a value is displayed by an intrinsic function.
            return not (following.opname == "CALL_INTRINSIC_1" and following.argrepr == "INTRINSIC_PRINT")
        # An expression that another magic runs, as in `%time %llm …`: that magic returns its value.
        frame = _caller(frame)
    return False


def _caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the code that called a magic, given a frame inside the magic."""
    is_inside = False
    while frame is not None:
        name = frame.f_code.co_name
        if is_inside and name not in _MAGICS:
            return frame
        is_inside = is_inside or name in _MAGICS
        frame = frame.f_back
    return None
