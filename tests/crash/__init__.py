"""What a crash may leave behind, and what the store makes of it."""
