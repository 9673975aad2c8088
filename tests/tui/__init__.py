"""The screen, driven against a conductor that runs nothing."""
