"""What the commands do: one module for each group, called with what was said."""
