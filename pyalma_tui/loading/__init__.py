"""From the files of the user to an experiment."""
