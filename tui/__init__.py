"""The terminal UI that shows and steers the sandbox."""
