"""The command-line client under the name that the user's guide gives it; what it does is in ``client/``.

It holds no tests: pytest does not collect it.
"""

from streamchat.client.command import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
