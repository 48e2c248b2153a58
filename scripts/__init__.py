"""What the project is made and measured with; none of it ships.  See `python -m scripts`."""
