"""``python -m sandbox.demo`` (``make demo``).

Everything lies in one temporary folder, which is removed at the end. Without a terminal it ends by itself, exit code 0;
on a terminal it stays up until Ctrl-C, so that one can go on asking.
"""

import sys

from sandbox.demo import stage, story


def main() -> int:
    """Run the demo; return 0, 1 when a part fails, 130 when interrupted before the end."""
    return stage.perform(story.Story, "stopping: what runs is ended, and the folder removed")


if __name__ == "__main__":
    sys.exit(main())
