"""What an experiment is: frozen data and pure functions over it."""
