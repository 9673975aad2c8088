"""The command line: what was typed becomes a target, options and one front end or command.

It promises one line for whatever is refused, with the exit code of its kind, before any screen and before anything is
made; and streams that never die of an encoding or of a reader that has gone.

It is the top of the house: everything but `worker` may be imported here, nobody imports it. What a script may need as
well (`experiment`, `batch`) does not live here.
"""
