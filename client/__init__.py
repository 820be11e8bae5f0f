"""The command-line client: asks, follows the stream, shows the answer. Knows the wire contract and no other room."""
