"""One file for each part of a screen, and beside it the text that it shows, worked out without a widget.

A widget repaints only what looks different, knows no screen, and tells what happened to it by messages.
"""
