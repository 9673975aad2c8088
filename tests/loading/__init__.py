"""From the files of the user to an experiment: what is read, and what is said of what cannot be."""
