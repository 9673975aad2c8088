"""Tests of the runner and of what is seen of one from outside."""
