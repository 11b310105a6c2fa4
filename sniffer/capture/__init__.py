"""Captures and interfaces -> frames. The only home of scapy."""
