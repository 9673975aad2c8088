"""What survives: segments that one writer appends to, the checkpoint, the ledger that both fold to, rows, the lock.

It promises that what a writer has acknowledged is found by the next start after any crash, and that what cannot be read
is refused and left as it is. Every path of a state directory is made in `layout`, every descriptor in `disk`; only
regular files with names of ours are opened or removed.

Only the checkpoint knows TinyDB. Nothing here knows the runner, a worker's process or a screen.
"""
