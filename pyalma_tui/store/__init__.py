"""What survives: segments that one writer appends to, the checkpoint, the ledger that both fold to, rows, the lock.

It promises that what a writer has acknowledged is found by the next start after any crash, and that what cannot be read
is refused and left as it is. Every path of a state directory is made in `layout`, every descriptor in `disk`; only
regular files with names of ours are opened or removed.

What is known is kept in blocks of 256 runs, and of the rows they add up to. A block that has been handed out is never
changed and keeps nothing that it has made, be it a tuple, a part of the plan, or text of `db.json` (`cold`): so any
number of threads may read it at once without a lock. A change replaces the block whole, in the ledger's `Vector`, which
one thread owns: the runner's, or who opened it. The thread that writes a checkpoint and the screen hold frozen views.
Whoever wants to keep what a block has made, as the list of the screen does, keeps it himself, for his own thread.

A block becomes text when it is read from a `db.json` whose seal (`sealing`) says that nobody else has written it, and a
list as soon as one of its runs changes. What was not touched is written to the next checkpoint as it stands.

Only the checkpoint knows TinyDB. Nothing here knows the runner, a worker's process or a screen.
"""
