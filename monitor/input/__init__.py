"""Logs as blocks of whole lines: files that rotate, archives, pipes. Knows nothing of what a line says."""
