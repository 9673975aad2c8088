"""Whole experiments: what is promised to run modules and of files (pyalma_tui/README.md), in the real program."""
