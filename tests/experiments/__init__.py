"""Whole experiments: the contract of PYALMA.md in the real program."""
