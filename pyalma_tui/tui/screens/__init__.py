"""One file for each screen. `base` is what all have in common, `box` what those have that lie over another one.

A screen paints the moment that it is handed, and posts a request for whatever reaches beyond it.
"""
