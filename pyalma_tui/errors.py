"""Every error that pyalma-tui raises: one sentence for the user, one exit code; and the same as a value."""

from __future__ import annotations

from signal import Signals
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["usage", "module", "input", "store", "in use", "shortage", "defect"]


class Failure(NamedTuple):
    """What failed, where an exception cannot travel: between threads, and in what is shown.

    `message` is the one line for the user, `exit_code` the one of a program that ends with it.
    """

    kind: Kind
    message: str
    exit_code: int

    def error(self) -> PyalmaError:
        """The exception that it was, or would be."""
        kind = KINDS[self.kind]
        error = kind.__new__(kind)
        PyalmaError.__init__(error, self.message)
        return error


class PyalmaError(Exception):
    """What failed, where and why, what was kept or what to do, in one line.

    `details` may carry more lines for a traceback that is the user's own.
    """

    kind: Kind = "usage"
    exit_code = 2

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    @property
    def failure(self) -> Failure:
        """The error as a value."""
        return Failure(self.kind, self.message, self.exit_code)


class UsageError(PyalmaError):
    """The command line cannot be carried out as it was typed."""


class QueryError(UsageError):
    """A filter cannot be understood: `why`, and the `column` of its text, from 1, at which it goes wrong."""

    def __init__(self, column: int, why: str) -> None:
        super().__init__(f"column {column}: {why}")
        self.column = column
        self.why = why


class LoadError(PyalmaError):
    """The run module cannot be loaded, or has no usable `run`."""

    kind = "module"


class InputError(PyalmaError):
    """A batch or experiment file is missing or malformed, or no instance was found."""

    kind = "input"


class StoreError(PyalmaError):
    """The state directory cannot be read or written; nothing in it was changed."""

    kind = "store"
    exit_code = 3


class InUseError(PyalmaError):
    """Another live process holds the experiment."""

    kind = "in use"
    exit_code = 4


class ShortageError(PyalmaError):
    """No thread or process can be started at the moment; `why` is what the system said."""

    kind = "shortage"
    exit_code = 3

    def __init__(self, why: str) -> None:
        super().__init__(
            f"processes: {why}. Nothing was started; end other programs or raise `ulimit -u`, then start again"
        )


class DefectError(PyalmaError):
    """Something that only a defect of ours can cause; what was saved is kept."""

    kind = "defect"
    exit_code = 3


class IllegalTransitionError(DefectError):
    """A record contradicts the status of its run."""


KINDS: dict[Kind, type[PyalmaError]] = {
    kind.kind: kind for kind in (UsageError, LoadError, InputError, StoreError, InUseError, ShortageError, DefectError)
}


class Terminated(BaseException):
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
