"""The content codecs, encoding side."""
