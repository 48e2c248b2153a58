"""The lossless mode, encoding side."""
