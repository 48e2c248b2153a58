"""Released models: which there are, and what their files hold."""
