"""Windows over the outputs of attempts, however large, while they grow.

It promises to read what is asked for and not much more: bounded pieces, constant memory, no line twice. The file is
the truth; nothing of it is kept but where lines begin.

It only reads, makes nothing fit for a terminal (the screen and the commands do that), and knows no runs, store or
runner.
"""
