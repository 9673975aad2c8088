"""The only room in which user code runs, in processes of its own.

It promises that `save()` returns when its line is in the journal, that how an attempt ended is recorded before anybody
is told, and that a process ends as a Python program does, by itself if the runner is gone.

It imports the segment, the loading of a run module, the model and nothing more: no Textual, Rich, TinyDB or psutil, no
checkpoint, no runner. Nobody imports it: it is started by its name and spoken to by messages of the model.
"""
