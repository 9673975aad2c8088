"""The processes of a running program: the agent that it has started, the agent's guard, and the workers."""

from __future__ import annotations

import os

import psutil

from pyalma_tui.model.messages import WORKER_MARK


def agents_of(program: int) -> list[psutil.Process]:
    """Its agent; for a moment two, while one ends and the next begins."""
    return [child for child in _children(program) if _is_marked(child, worker=False)]


def workers_of(program: int) -> list[psutil.Process]:
    """Its workers: each leads a group, which tells it from a pool that a run has forked."""
    return [
        child
        for agent in agents_of(program)
        for child in _children(agent.pid)
        if _is_marked(child, worker=True) and _leads(child)
    ]


def guards_of(program: int) -> list[psutil.Process]:
    """What outlives the agent by a moment: whoever its parent is, it carries the agent's mark and leads a group."""
    agents = {agent.pid: _mark_of(agent) for agent in agents_of(program)}
    return [
        process
        for process in psutil.process_iter()
        if process.pid not in agents
        and _mark_of(process) in agents.values()
        and not is_over(process)
        and _is_marked(process, worker=False)
        and _leads(process)
    ]


def is_over(process: psutil.Process) -> bool:
    """Whether it has ended, taken leave of or not."""
    try:
        return process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return True


def _children(pid: int) -> list[psutil.Process]:
    try:
        return [child for child in psutil.Process(pid).children() if not is_over(child)]
    except psutil.NoSuchProcess:
        return []


def _is_marked(process: psutil.Process, *, worker: bool) -> bool:
    """Whether it is of the module that agents and workers are, and carries the number of a worker, or none."""
    try:
        number = _mark_of(process).rpartition(".")[2]
        return number.isdecimal() and bool(int(number)) is worker and "pyalma_tui.worker" in process.cmdline()
    except psutil.Error:
        return False


def _mark_of(process: psutil.Process) -> str:
    try:
        return str(process.environ().get(WORKER_MARK, ""))
    except psutil.Error:  # another user's, or gone
        return ""


def _leads(process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == process.pid
    except ProcessLookupError:
        return False
