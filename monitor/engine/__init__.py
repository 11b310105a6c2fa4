"""Counts and time: tallies, intervals, windows, alerts. No text, no I/O; time is an argument."""
