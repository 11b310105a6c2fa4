"""Ratios of one run against what is installed."""
