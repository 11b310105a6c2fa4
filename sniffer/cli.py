"""The sniffer's command line."""


def main() -> int:
    """Run the sniffer; return the exit status."""
    raise SystemExit("sniffer: not built yet")
