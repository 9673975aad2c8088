"""The only room in which user code runs: a process of its own."""
