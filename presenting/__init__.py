"""Pure: what happened in a turn, made into the frames a client sees."""
