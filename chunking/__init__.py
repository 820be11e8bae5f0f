"""Pure text: cut an answer into readable chunks while it arrives."""
