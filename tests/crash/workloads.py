"""Short lives of an experiment that pass through every step of the store."""

from __future__ import annotations

from collections.abc import Callable

from tests.crash.disk import Create, Event, Fault, Sync, SyncDirectory, Write
from tests.crash.lab import Hand, Lab


def rotations_and_carries(lab: Lab) -> None:
    """Two workers; floods are carried over, segments rotate, checkpoints let them go; quit and start again."""
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(1)
    two.start(2)
    for i in range(3):
        one.save(f"a{i}")
        two.save({"left": i})
    lab.poll()
    for i in range(16):  # a flood
        one.save(f"flood {i}")
    lab.poll()
    one.returns()
    lab.poll()
    lab.checkpoint()
    one.start(3)
    one.save("c" * 1400)  # more than a sector
    one.progress()
    one.save("d" * 600)
    two.raises()
    lab.tend(idle=True)
    two.start(2)  # retried, with its state
    two.save("again")
    two.returns()
    one.returns()
    lab.poll()
    one.start(4)
    one.save("last")
    one.returns()
    lab.poll()
    lab.call_done(two)
    one.segment.close()
    two.segment.close()
    lab.close()
    lab.open()
    lab.close()


def deaths_and_resets(lab: Lab) -> None:
    """Workers die, runs are lost, retried and reset; the session is killed twice."""
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(1)
    for i in range(4):
        one.save(f"a1 {i}")
    two.start(2)
    two.save("b1")
    two.returns()
    lab.bury(one)  # in the middle of run 1
    three = lab.hand()
    three.start(1)
    three.save("a2")
    lab.poll()
    lab.checkpoint()
    three.returns()
    lab.poll()
    lab.reset(2)
    two.start(2)
    two.save("b2")
    lab.poll()
    lab.die()
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(2)
    one.save("b3")
    two.start(3)
    for i in range(12):
        two.save(f"c{i}")
    lab.tend()
    one.returns()
    lab.reset(1)
    two.save("c last")
    lab.die()
    lab.open()
    one = lab.hand()
    one.start(1)
    one.save("a3")
    one.returns()
    one.segment.close()
    lab.close()


def in_the_middle(lab: Lab) -> None:
    """Others act between two calls: a checkpoint between write and fdatasync, saves in the middle of a checkpoint."""
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(1)
    two.start(2)
    one.save("a0")
    lab.disk.when(_wrote(b'"a1"'), lambda: _read_and_checkpoint(lab))  # read and checkpointed before it is synced
    one.save("a1")
    lab.disk.when(_checkpoint_written, lambda: two.save("b1"))
    lab.disk.when(_checkpoint_synced(lab), lambda: _flood(two))
    lab.checkpoint()
    lab.disk.when(_checkpoint_named, lambda: two.save("b3"))
    lab.tend(idle=True)
    two.returns()
    lab.disk.when(_checkpoint_named, one.returns)
    lab.disk.when(_checkpoint_synced(lab), lambda: one.save("a2"))
    lab.checkpoint()
    lab.poll()
    lab.checkpoint()
    lab.die()
    lab.open()
    lab.die()


def many_floods(lab: Lab) -> None:
    """Floods end with their workers, and what is carried over does not fit into one segment of the runner's own."""
    lab.open()
    lab.session.journal._own._limit = 50
    one, two = lab.hand(900), lab.hand(900)
    for run, hand in ((1, one), (2, two)):
        hand.start(run)
        for i in range(26):
            hand.save(f"flood {i} {'x' * 20}")
    one.returns()
    lab.bury(one)
    lab.poll()
    lab.bury(two)


def synced_together(lab: Lab) -> None:
    """Workers begin, rotate and end; what they have written is put on the disk every now and then, by the runner."""
    lab.open()
    one = lab.hand()
    one.start(1)
    one.save("a0")
    lab.put_on_disk()
    two = lab.hand()
    two.start(2)
    two.save("b0")
    lab.poll()
    lab.put_on_disk()
    for i in range(1, 7):  # into further segments
        one.save(f"a{i}")
        two.save(f"b{i}")
    lab.poll()
    lab.put_on_disk()
    one.returns()
    lab.bury(one)
    two.save("b last")
    lab.put_on_disk()
    two.returns()
    lab.die()


def long_states(lab: Lab) -> None:
    """States of several sectors, in one segment, whose name is on the disk."""
    lab.open()
    one = lab.hand(10_000)
    lab.session.journal.sync()
    one.start(1)
    for letter in "cdef":
        one.save(letter * 1400)


def rows_of_results(lab: Lab) -> None:
    """Rows before and behind saves; attempts without one, retries, a reset, dead workers; files are given up."""
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(1)
    for i in range(3):
        for j in range(2):
            one.record(f"a{i}{j}")
        one.save(i)
    for i in range(4):  # more than is held in memory, and no save comes
        one.record(f"dropped a{i}")
    two.start(2)
    two.record("b0")
    two.save("b")
    lab.bury(one)
    one = lab.hand()
    one.start(1)
    one.record("a again")
    one.save(3)
    lab.poll()
    lab.checkpoint()  # the file of the worker that has died is given up
    one.record("a last")
    one.returns()
    for i in range(5):
        two.record(f"b1{i}")
    two.raises()
    two.start(2)
    two.record("b2")
    two.returns()
    lab.poll()
    two.start(3)
    two.record("c0")
    two.save("c")
    two.record("c1")
    lab.tend(idle=True)
    lab.die()
    two.rows.renew()
    lab.open()
    one, two = lab.hand(), lab.hand()
    lab.reset(1)
    one.start(3)
    one.record("c2")
    one.save("c again")
    one.record("c3")
    one.returns()
    lab.poll()
    lab.checkpoint()
    two.start(1)
    two.record("a anew")
    two.returns()
    lab.bury(one)
    lab.bury(two)
    lab.close()
    lab.open()
    lab.close()


def resets_taken_back(lab: Lab) -> None:
    """Runs with rows are reset, a checkpoint is written, and they are what they were; one begins again after that."""
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(1)
    for i in range(3):
        one.record(f"a{i}")
        one.save(f"a {i}")
    one.returns()
    two.start(2)
    two.record("b0")
    two.save({"left": 1})
    two.raises()
    lab.bury(one)
    lab.bury(two)
    lab.checkpoint()
    lab.reset(1)
    lab.reset(2)
    lab.tend(idle=True)
    lab.checkpoint()
    lab.restore(1)
    lab.tend(idle=True)
    lab.restore(2)
    three = lab.hand()
    three.start(2)
    three.record("b1")
    three.save("b again")
    three.returns()
    lab.bury(three)
    lab.checkpoint()
    lab.reset(2)
    lab.restore(2)
    lab.reset(1)
    lab.restore(1)
    lab.die()
    lab.open()
    lab.reset(1)
    three = lab.hand()
    three.start(1)
    three.save("a anew")
    lab.poll()
    lab.checkpoint()
    lab.bury(three)
    lab.close()
    lab.open()
    lab.close()


def edited_by_others(lab: Lab) -> None:
    """Somebody edits `db.json` while nobody has the experiment open, and it goes on from there."""
    lab.open()
    one, two = lab.hand(), lab.hand()
    one.start(1)
    one.save("a0")
    two.start(2)
    two.save("b0")
    two.returns()
    lab.poll()
    lab.checkpoint()
    lab.die()
    lab.edit(1)
    lab.open()
    one = lab.hand()
    one.start(1)
    one.save("a1")
    one.returns()
    lab.bury(one)
    lab.close()


def a_failed_sync(lab: Lab) -> None:
    """The disk refuses one fdatasync of a worker's segment; the kernel drops the pages, and later syncs succeed."""
    lab.open()
    one = lab.hand()
    one.start(1)
    one.save("a0")
    lab.disk.fault = Fault(at=len(lab.disk.calls) + 2)  # write, then fdatasync
    one.save("a1")
    lab.disk.fault = None
    assert lab.disk.hit.startswith("fdatasync"), lab.disk.hit
    one.save("a2")
    one.returns()
    lab.poll()


def _flood(hand: Hand) -> None:
    for i in range(12):
        hand.save(f"flood {i}")


def _read_and_checkpoint(lab: Lab) -> None:
    lab.poll()
    lab.checkpoint()


def _wrote(text: bytes) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Write) and text in event.data


def _checkpoint_written(event: Event) -> bool:
    return isinstance(event, Write) and event.data.startswith(b'{"meta"')


def _checkpoint_synced(lab: Lab) -> Callable[[Event], bool]:
    def happens(event: Event) -> bool:
        made = [e.inode for e in lab.disk.events if isinstance(e, Create) and e.name == "db.json.tmp"]
        return isinstance(event, Sync) and event.inode == made[-1]

    return happens


def _checkpoint_named(event: Event) -> bool:
    return isinstance(event, SyncDirectory) and event.directory == "x.alma"


WORKLOADS = (rotations_and_carries, deaths_and_resets, in_the_middle, rows_of_results, resets_taken_back)
KILLED_WORKLOADS = (*WORKLOADS, edited_by_others)
SYNCED_WORKLOADS = (*WORKLOADS, many_floods, a_failed_sync)
