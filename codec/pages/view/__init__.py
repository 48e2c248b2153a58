"""A page in the browser that shows a file beside its original and beside its own parts."""
