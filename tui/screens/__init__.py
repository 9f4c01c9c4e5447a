"""What fills the terminal: pages, which own their keys and what they ask, and dialogs."""
