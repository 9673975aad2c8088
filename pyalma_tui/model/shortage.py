"""No thread or process can be started for a while: the user's limit is reached, or the machine's memory."""

from __future__ import annotations

import errno

_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.ENFILE)


def is_shortage(error: BaseException) -> bool:
    """Whether an error says that a thread or process cannot be started now, but maybe a while later.

    Python says it of a thread as a plain RuntimeError (`_thread.start_new_thread`), of a process as the OSError of
    fork(2).
    """
    if issubclass(type(error), OSError):  # what an exception of user code says of its class may break
        return vars(OSError)["errno"].__get__(error) in _PASSING
    return type(error) is RuntimeError and error.args == ("can't start new thread",)
