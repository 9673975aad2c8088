"""Who runs what, where and when: one thread."""
