"""Capturing live: nginx on the loopback as fast as wrk asks, with what the sniffer wrote of it and what was dropped."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.soak import NGINX, Run

SECONDS = 10
LOADS = (("10 ms apart on 20 connections", 20, 10), ("as fast as it goes on 30", 30, 0))


def rows() -> Iterator[tuple[str, float, str]]:
    """Yield (what, ratio, note)."""
    if os.geteuid() or not shutil.which("nginx") or not shutil.which("wrk"):
        yield "live capture (needs root, nginx and wrk)", float("nan"), ""
        return
    for what, connections, pause in LOADS:
        with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as free:
            folder, port = Path(name), free.getsockname()[1]
            free.close()
            (folder / "disk").mkdir()
            (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
            command = ["nginx", "-c", str(folder / "nginx.conf"), "-p", name, "-e", str(folder / "nginx.err")]
            nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            run = Run(folder, folder / "disk", port)
            try:
                run.start_sniffer()
                time.sleep(1)
                with run.load("bench", SECONDS, "made % 20", connections, pause):
                    pass
                time.sleep(1)
                assert run.sniffer
                run.sniffer.terminate()
                run.sniffer.wait(60)
            finally:
                for process in (run.sniffer, nginx):
                    if process and process.poll() is None:
                        process.terminate()  # killed, nginx would leave its workers behind
                    if process:
                        process.wait()
            asked = (folder / "nginx.log").read_bytes().count(b"\n")
            written = sum(path.read_bytes().count(b"\n") for path in run.disk.iterdir())
            dropped = re.findall(r"dropped by the kernel (\d+)", run.said[0].read_text())[-1]
            note = f"{asked // SECONDS:,} requests/s {what}, beside nginx and wrk; {int(dropped):,} frames dropped"
            yield "live: lines written / requests of nginx", written / max(asked, 1), note
