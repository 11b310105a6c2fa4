"""The sniffer's command line."""

from __future__ import annotations

import argparse
import sys

from sniffer import __version__
from sniffer.capture.files import CaptureFile
from sniffer.clf import LineFormat
from sniffer.errors import SnifferError, UsageError
from sniffer.observer import Observer


def main(arguments: list[str] | None = None) -> int:
    """Run the sniffer; return the exit status."""
    parser = argparse.ArgumentParser(prog="sniffer", description="Write HTTP on the wire as access-log lines.")
    parser.add_argument("-r", dest="captures", action="append", metavar="PCAP", default=[], help="read a capture")
    parser.add_argument("-w", dest="log", metavar="FILE", default="-", help="the log; - is standard output")
    parser.add_argument("--format", default="common", help="a name or a directive")
    parser.add_argument("--origin-form", action="store_true", help="write the target as sent")
    parser.add_argument("--version", action="version", version=f"sniffer {__version__}")
    options = parser.parse_args(arguments)
    try:
        return _read(options)
    except SnifferError as error:
        sys.stderr.write(f"sniffer: {error}\n")
        return 2 if isinstance(error, UsageError) else 1


def _read(options: argparse.Namespace) -> int:
    layout = LineFormat(options.format, options.origin_form)
    out = sys.stdout.buffer if options.log == "-" else open(options.log, "ab")  # noqa: SIM115
    observer = Observer()
    for path in options.captures:
        capture = CaptureFile(path)
        for frames in capture.batches():
            out.write(b"".join(map(layout.line, observer.feed(frames))))
        if capture.problem:
            sys.stderr.write(f"sniffer: {path}: {capture.problem}\n")
    out.write(b"".join(map(layout.line, observer.finish())))
    out.flush()
    sys.stderr.write(f"sniffer: {observer.counts}\n")
    return 0
