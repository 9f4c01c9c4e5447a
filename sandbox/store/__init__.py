"""What this program remembers: files that are replaced at once, short locks, and nothing that is running."""
