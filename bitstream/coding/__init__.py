"""Entropy coders and the integers that they take: one codeword in, one out."""
