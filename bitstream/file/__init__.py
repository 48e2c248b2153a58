"""The file: header, container, and the payloads of its chunks."""
