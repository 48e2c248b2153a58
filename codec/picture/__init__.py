"""Pictures as arrays: reading, writing, metadata, transparency; Pillow and numpy, no torch."""
