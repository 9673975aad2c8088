"""The facts of an experiment without a screen."""
