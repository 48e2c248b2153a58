"""The networks of the lossless mode: a picture coded exactly, in ever finer grids of pixels."""
