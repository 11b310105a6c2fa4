"""Blocks of lines as batches of columns. Does no I/O and knows nothing of windows, alerts or screens."""
