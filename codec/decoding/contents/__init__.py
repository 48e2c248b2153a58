"""The content codecs, decoding side: CONTENT -> the picture before the post-filter."""
