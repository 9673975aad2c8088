"""The only room in which user code runs, in processes of its own.

The agent, one per machine, imports the run module once and forks a worker per slot; it signals, reaps, measures and
sweeps them. A worker's run has a socket of its own to the runner, so that the agent is no hop of any state.

It promises that `save()` returns when its line is in the journal, that how an attempt ended is recorded before anybody
is told, that a process ends as a Python program does, and that nothing is left when the runner or the agent is gone.

It imports the segment, the form of rows, the loading of a run module, the model and nothing more: no Textual, Rich,
TinyDB or psutil, no checkpoint, no runner. Nobody imports it: it is started by its name and spoken to by messages of
the model.
"""
