"""Float networks and their exact integer twins; they know nothing of files."""
