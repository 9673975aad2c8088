"""The kill loop: the real program, a nemesis that kills its processes, and a history that is checked.

`python -m tests.kill_loop --seconds 600` prints acknowledged saves / lines in buffers / kills by kind / lost /
overlaps / done() calls.
"""

SAVES = 60  # that each run is to make
