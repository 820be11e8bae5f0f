"""The command-line client under the name that the user's guide gives it; what it does is in ``client/``.

It holds no tests: pytest does not collect it.
"""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the client. It is imported here: that takes a moment, in which Ctrl-C may come too."""
    try:
        from streamchat.client.command import main as command

        command()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
