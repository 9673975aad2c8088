"""Benchmarks: every figure as a ratio to a reference measured beside it, in one table at the end."""
