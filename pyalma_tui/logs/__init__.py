"""Reading the logs of attempts, however large."""
