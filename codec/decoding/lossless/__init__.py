"""The lossless mode, decoding side."""
