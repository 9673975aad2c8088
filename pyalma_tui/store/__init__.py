"""What survives: segments, checkpoint, ledger, lock."""
