"""The public functions: pictures and files in whatever form they come."""
