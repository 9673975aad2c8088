"""Where workers run: one protocol, and what fulfils it. The rest of the runner knows no process."""
