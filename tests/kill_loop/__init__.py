"""The kill loop: the real program, a nemesis that kills its processes, and a history that is checked.

`python -m tests.kill_loop --seconds 600` prints acknowledged saves / kills / lost / overlaps / done() calls.
"""
