"""The runner with real workers, and what is seen of one from outside."""
