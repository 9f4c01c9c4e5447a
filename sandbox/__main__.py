"""``python -m sandbox``, and what the command ``sandbox`` runs: nothing is imported before Ctrl-C is listened for."""

import sys


def main() -> int:
    """Run the command line; return its exit code, 130 also where Ctrl-C comes while it is being imported."""
    try:
        from sandbox.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
