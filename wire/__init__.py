"""Pure encoders: frames in, bytes out."""
