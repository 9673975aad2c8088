"""Who runs what, where and when: one thread, which owns the session and is sent commands.

It promises that no run has two workers, that done() is called once for each set of results, that what was asked to end
ends, and that a snapshot is a value that nobody changes any more.

`dispatch` decides, without a process, a file or a clock: events become instructions. `runner` and `crew` carry them
out, and think nothing. `workers` is the only door to where workers live.

It runs no user code and shows nothing: it never imports `worker`, the front ends, Textual or Rich.
"""
