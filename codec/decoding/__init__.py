"""FORMAT.md as code: file -> pixels.  Imports nothing that searches."""
