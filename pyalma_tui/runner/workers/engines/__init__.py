"""What brings places to other hosts: commands that lead there, and what is to be started when.

An engine finds the host, authenticates, queues, places, limits and kills; all that we need of it is a stream of bytes
to `python -P -m pyalma_tui.place` there and back.
"""
