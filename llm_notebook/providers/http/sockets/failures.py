"""What the system says of connections that fail, in words."""

from __future__ import annotations

import os
import re
import socket

__all__ = ["failure_words"]

# asyncio names the address here, and not what is wrong with it.
_CONNECT_CALL = re.compile(r"\[Errno (\d+)\] Connect call failed \([^)]*\)")
_ERROR_NUMBER = re.compile(r"\[(?:Errno|WinError) -?\d+\] ")


def failure_words(error: BaseException) -> str:
    """Return what a failed connection says, in words and without the number that the system gives to its errors."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return "its name could not be resolved"
        cause = cause.__cause__ or cause.__context__
    said = _CONNECT_CALL.sub(lambda call: os.strerror(int(call[1])), str(error))
    return _ERROR_NUMBER.sub("", said)
