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
    """What outlives the agent by a moment: it carries the agent's mark, whoever is its parent, and leads a group."""
    agents = {_mark(agent): agent for agent in agents_of(program)}
    found = [each for each in psutil.process_iter() if _mark(each) in agents and _leads(each) and not is_over(each)]
    return [each for each in found if each not in agents.values()]


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
    """Whether it carries the number of a worker, or none."""
    number = _mark(process).rpartition(".")[2]
    return number.isdecimal() and bool(int(number)) is worker


def _mark(process: psutil.Process) -> str:
    """What it carries if it is of the module that agents, guards and workers are, else ""."""
    try:
        mark = process.environ().get(WORKER_MARK, "")
        return mark if "pyalma_tui.worker" in process.cmdline() else ""
    except psutil.Error:
        return ""


def _leads(process: psutil.Process) -> bool:
    try:
        return os.getpgid(process.pid) == process.pid
    except ProcessLookupError:
        return False
