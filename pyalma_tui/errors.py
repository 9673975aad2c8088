"""Every error that pyalma-tui raises: one sentence for the user, one exit code."""

from __future__ import annotations

from signal import Signals


class PyalmaError(Exception):
    """What failed, where and why, what was kept or what to do, in one line.

    `details` may carry more lines for a traceback that is the user's own.
    """

    exit_code = 2

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class UsageError(PyalmaError):
    """The command line cannot be carried out as it was typed."""


class LoadError(PyalmaError):
    """The run module cannot be loaded, or has no usable `run`."""


class InputError(PyalmaError):
    """A batch or experiment file is missing or malformed, or no instance was found."""


class StoreError(PyalmaError):
    """The state directory cannot be read or written; nothing in it was changed."""

    exit_code = 3


class InUseError(PyalmaError):
    """Another live process holds the experiment."""

    exit_code = 4


class ShortageError(PyalmaError):
    """No thread or process can be started at the moment; `why` is what the system said."""

    exit_code = 3

    def __init__(self, why: str) -> None:
        super().__init__(
            f"processes: {why}. Nothing was started; end other programs or raise `ulimit -u`, then start again"
        )


class IllegalTransitionError(PyalmaError):
    """A record contradicts the status of its run, which only a defect can cause."""

    exit_code = 3


class Ended(BaseException):
    """A signal asks us to end before anything was started."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = Signals(number)


class Interrupted(BaseException):
    """Raised by `save()` in the user's `run` after an interrupt was asked for; what was passed is already stored.

    A BaseException, so that `except Exception` in an experiment does not swallow it.
    """


class SaveFailed(BaseException):
    """Raised by `save()` when the state could not be stored; the state stored before is kept."""
