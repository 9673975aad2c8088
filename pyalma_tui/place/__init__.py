"""A place on another host: `python -P -m pyalma_tui.place STATE_DIR`, behind whatever command leads there.

It runs an agent of that host, as the runner does here, and carries what both say over its standard input and output. It
reads what workers append on the host that writes it. It decides nothing but this: when its lease ends, it ends, and
with it everything that it has started.
"""
