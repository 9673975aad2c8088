"""Which set of results done() was called for: what is done, and in which attempt."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, filed

LENGTH = 16  # hexadecimal digits of an identity


def identity_of(runs: Iterable[Run]) -> str:
    """What tells one set of results from another: a hash of the ids and attempts of those of the runs that are done.

    An attempt returns once, and a run that is forgotten and done anew has a later one.
    """
    done = sorted((run.id, run.called) for run in runs if isinstance(run.status, s.Done))
    return sha256(b"".join([b"%d %d\n" % each for each in done])).hexdigest()[:LENGTH]


def identified(hook: s.DoneHook, runs: Iterable[Run]) -> s.DoneHook:
    """The history with an identity also for a call of which none was recorded, as by versions that knew none.

    `runs` are those that were planned then: what is done of them is what it was called for.
    """
    if hook.identity or not hook.calls:
        return hook
    return msgspec.structs.replace(hook, identity=identity_of(runs))


def concerning(hook: s.DoneHook, identity: str) -> s.DoneHook:
    """The history as it stands for this set of results, "" if not all of them are there yet."""
    if isinstance(hook.status, s.HookRunning) or (identity and hook.identity == identity):
        return hook
    known = filed(hook)
    same = [each for each in known.earlier if each.identity == identity]
    found = same[-1] if same else s.Completion("", s.HookNotYet())
    return msgspec.structs.replace(known, status=found.status, identity=found.identity)


def taken_back(hook: s.DoneHook, identity: str) -> s.DoneHook:
    """The history after the resets that put a completion ahead were taken back: all results are there, these ones."""
    if isinstance(hook.status, s.HookRunning) and hook.identity == identity:
        return msgspec.structs.replace(hook, ahead=False)
    return concerning(hook, identity) if isinstance(hook.status, s.HookNotYet) else hook


def offered(hook: s.DoneHook, has_done: bool) -> s.DoneHook:
    """The history where the module has, or has not, a done() that could be called."""
    if not has_done and isinstance(hook.status, s.HookNotYet):
        return msgspec.structs.replace(hook, status=s.HookAbsent())
    if has_done and isinstance(hook.status, s.HookAbsent):
        return msgspec.structs.replace(hook, status=s.HookNotYet())
    return hook
