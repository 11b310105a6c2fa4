"""The monitor's command line."""


def main() -> int:
    """Run the monitor; return the exit status."""
    raise SystemExit("monitor: not built yet")
