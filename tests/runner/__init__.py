"""The runner in this process, with real workers."""
