"""``python -m tests.soak [SECONDS]``: nginx under load, the sniffer and the monitor beside it, and all that can happen.

Every request carries a number of its own, so that at the end nginx's log, the sniffer's and what the monitor told are
held against each other one by one. What is missing must be what the programs admit: frames that the kernel dropped,
lines that found no room on the disk, exchanges that came while a killed sniffer was away.

The machine's clock is left alone: packets are stamped by the kernel, so a jump could only hit the whole machine.
What the monitor makes of jumping log times is tested on the engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 600
CYCLE = 50  # s, in which everything happens once
AWAY = 1.5  # s before a kill and after a start in which a killed sniffer may miss what nginx logs
DISK = 384  # MB
ROTATE = "1MB"
CONNECTIONS, PAUSE = 20, 12  # of the steady load; ms between two requests of a connection
GROWTH = 1.25, 12  # what memory may grow by in the second half: a factor, and MB

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;
events {{ worker_connections 1024; }}
http {{
    log_format ids '$msec $status "$request"'; access_log {folder}/nginx.log ids;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; keepalive_requests 10000000;
    server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello\\n"; }} location /c/9/ {{ return 404; }} }}
}}
"""
WRK = """
local threads = 0
function setup(thread) thread:set("number", threads); threads = threads + 1 end
local made = 0
request = function()
    made = made + 1
    return wrk.format("GET", "/c/" .. (%(section)s) .. "/%(run)s." .. number .. "." .. made)
end
"""
ID = re.compile(rb'"GET (?:http://[^/ ]*)?(/c/[^ ]+) HTTP/1.1"')
COUNT = re.compile(r"(dropped by the kernel|lines lost|gaps|unanswered|lines written) (\d+)")


@dataclass
class Run:
    """What was started, and what it told."""

    folder: Path
    disk: Path
    port: int
    sniffer: subprocess.Popen[bytes] | None = None
    monitor: subprocess.Popen[bytes] | None = None
    told: list[Path] = field(default_factory=list)  # the monitors' outputs, one a life
    said: list[Path] = field(default_factory=list)  # the sniffers' messages, one a life
    away: list[tuple[float, float]] = field(default_factory=list)  # stretches of time without a sniffer
    memory: list[tuple[float, int, int]] = field(default_factory=list)  # s, MB of the sniffer, MB of the monitor
    floods: int = 0

    def start_sniffer(self) -> None:
        """Start it and wait until it captures."""
        self.said.append(self.folder / f"sniffer.{len(self.said)}")
        options = ["-i", "lo", "-w", str(self.disk / "access.log"), "--user", "root", "--rotate-size", ROTATE]
        options += ["--keep", "9999", f"tcp port {self.port}"]
        with self.said[-1].open("wb") as err:
            self.sniffer = subprocess.Popen([sys.executable, "-m", "sniffer", *options], stderr=err)
        log = self.disk / "access.log"
        for _ in range(600):
            with contextlib.suppress(OSError):
                if any(file.readlink() == log for file in Path(f"/proc/{self.sniffer.pid}/fd").iterdir()):
                    return
            time.sleep(0.05)
        raise AssertionError(f"the sniffer did not start: {self.said[-1].read_text()}")

    def start_monitor(self) -> None:
        """Start it where the last one was."""
        self.told.append(self.folder / f"monitor.{len(self.told)}")
        options = ["--output", "json", "--interval", "2", "--lateness", "2", "--top", "1"]
        options += ["--state", str(self.folder / "state")]
        with self.told[-1].open("wb") as out, (self.folder / "monitor.err").open("ab") as err:
            command = [sys.executable, "-m", "monitor", str(self.disk / "access.log"), *options]
            self.monitor = subprocess.Popen(command, stdout=out, stderr=err)

    def kill_sniffer(self) -> None:
        """Ask it for its counts, which die with it; kill it and start another."""
        assert self.sniffer
        said = self.said[-1].read_text().count("transactions")
        self.sniffer.send_signal(signal.SIGUSR1)
        for _ in range(200):
            if self.said[-1].read_text().count("transactions") > said:
                break
            time.sleep(0.05)
        began = time.time() - AWAY
        self.sniffer.kill()
        self.sniffer.wait()
        time.sleep(1)
        self.start_sniffer()
        self.away.append((began, time.time() + AWAY))

    def kill_monitor(self) -> None:
        """Kill it; start another when the log has gone on."""
        assert self.monitor
        self.monitor.kill()
        self.monitor.wait()
        time.sleep(3)
        self.start_monitor()

    def stop_for(self, process: subprocess.Popen[bytes] | None, seconds: float) -> None:
        """Have a process stand still for a while."""
        assert process
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """Leave no room for a while."""
        ballast = self.disk / "ballast"
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as out:
            while True:
                out.write(bytes(1 << 16))
        time.sleep(3)
        ballast.unlink()

    def flood(self, seconds: int = 4) -> None:
        """As many requests as go through, each with a section of its own."""
        self.floods += 1
        with self.load(f"f{self.floods}", seconds, f"number .. 'u' .. made .. 'f{self.floods}'", 30, 0):
            pass

    @contextlib.contextmanager
    def load(self, run: str, seconds: int, section: str, connections: int, pause: int) -> Iterator[None]:
        """Run wrk; leaving waits for its end."""
        script = self.folder / f"{run}.lua"
        text = WRK % {"section": section, "run": run}
        script.write_text(text + (f"function delay() return {pause} end\n" if pause else ""))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script)]
        process = subprocess.Popen([*command, f"http://127.0.0.1:{self.port}/"], stdout=subprocess.DEVNULL)
        try:
            yield
            process.wait(seconds + 60)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def sample(self, at: float) -> None:
        """Note the memory of both."""
        sizes = [_memory(process) for process in (self.sniffer, self.monitor)]
        self.memory.append((at, sizes[0], sizes[1]))


def _memory(process: subprocess.Popen[bytes] | None) -> int:
    assert process
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) // 1024
    return 0


def _hostile(port: int, until: float, seed: int) -> None:
    """A client that means no good: junk, heads without end, half of requests, escape sequences, resets."""
    chance = random.Random(seed)
    while time.time() < until:
        kind = chance.randrange(6)
        data = (
            chance.randbytes(chance.randrange(1, 3000)),
            b"GET /" + b'\x1b[2J\r\xff"\\ ' * 50 + b" HTTP/1.1\r\nHost: \x1b]0;x\x07\r\n\r\n",
            b"GET /endless HTTP/1.1\r\n" + b"X: y\r\n" * chance.randrange(9000),
            b"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + chance.randbytes(50),
            b"GET /pipelined HTTP/1.1\r\nHost: h\r\n\r\n" * 30,
            b"\x16\x03\x01\x02\x00" + chance.randbytes(200),
        )[kind]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(data)
            client.settimeout(0.05)
            if chance.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            else:
                client.recv(4096)
        time.sleep(0.02)


def _torment(run: Run, seconds: int) -> None:
    """Everything in turn, until the time is over; kills only in the first half, so that memory can show its way."""
    began = time.monotonic()
    acts = [
        lambda: run.stop_for(run.monitor, 4),
        lambda: run.stop_for(run.sniffer, 1.5),
        run.kill_monitor,
        run.kill_sniffer,
        run.fill_disk,
        run.flood,
        lambda: run.sniffer and run.sniffer.send_signal(signal.SIGHUP),
    ]
    turn = 0
    while (passed := time.monotonic() - began) < seconds - 12:
        act = acts[turn % len(acts)]
        if passed < seconds / 2 or act not in (run.kill_monitor, run.kill_sniffer):
            act()
        turn += 1
        due = time.monotonic() + CYCLE / len(acts) - 2
        while time.monotonic() < due:
            run.sample(time.monotonic() - began)
            time.sleep(1)


def _numbered(paths: list[Path]) -> tuple[Counter[bytes], dict[bytes, bytes], int]:
    """How often each number stands in the logs, its status, and all lines."""
    seen: Counter[bytes] = Counter()
    status: dict[bytes, bytes] = {}
    lines = 0
    for path in paths:
        for line in path.read_bytes().splitlines():
            lines += 1
            if match := ID.search(line):
                seen[match[1]] += 1
                status[match[1]] = line[match.end() :].split()[0]
    return seen, status, lines


def _told(paths: list[Path]) -> tuple[int, int]:
    """Lines that the monitors told in intervals, and intervals that a killed one and the next told alike."""
    total = twice = 0
    before: set[tuple[str, int]] = set()
    for path in paths:
        mine = []
        for text in path.read_bytes().split(b"\n")[:-1]:
            one = json.loads(text)
            if one["type"] == "interval":
                mine.append((one["start"], one["hits"] + one["malformed"]))
        again = [each for each in mine if each in before]
        twice += len(again)
        total += sum(hits for _, hits in mine) - sum(hits for _, hits in again)
        before = set(mine)
    return total, twice


def _account(run: Run) -> list[str]:
    """Hold all against each other; return what is wrong. Prints the figures."""
    logged: dict[bytes, tuple[float, bytes]] = {}
    for line in (run.folder / "nginx.log").read_bytes().splitlines():
        if match := ID.search(line):
            at, status, _ = line.split(b" ", 2)
            logged[match[1]] = float(at), status
    seen, status, lines = _numbered(sorted(run.disk.glob("access.log*")))
    counts: Counter[str] = Counter()
    for path in run.said:
        told = [dict(COUNT.findall(line)) for line in path.read_text().splitlines() if "transactions" in line]
        counts.update({name: int(count) for name, count in (told[-1] if told else {}).items()})
    missing = [key for key in logged if key not in seen]
    cut = [key for key in missing if any(a <= logged[key][0] <= b for a, b in run.away)]
    admitted = counts["lines lost"] + counts["dropped by the kernel"]
    other = [key for key in status if key in logged and status[key] not in (logged[key][1], b"-")]
    unanswered = [key for key in status if key in logged and status[key] == b"-" and logged[key][1] != b"499"]
    unanswered = [key for key in unanswered if not any(a <= logged[key][0] <= b for a, b in run.away)]
    told, twice = _told(run.told)
    half = [row for row in run.memory if row[0] > run.memory[-1][0] / 2]
    middle = len(half) // 2
    print(f"nginx logged {len(logged)} numbered requests; the sniffer {len(seen)} of them, {lines} lines in all")
    print(f"missing {len(missing)}: {len(cut)} while a killed sniffer was away, {len(missing) - len(cut)} else;")
    print(f"admitted: {counts['lines lost']} lines lost, {counts['dropped by the kernel']} frames dropped")
    print(f"told with another status {len(other)}, without one {len(unanswered)}; gaps {counts['gaps']}")
    print(f"the monitors told {told} lines of {lines}, and {twice} intervals twice")
    wrong = []
    for place, name in ((1, "sniffer"), (2, "monitor")):
        first, last = (max((row[place] for row in part), default=0) for part in (half[:middle], half[middle:]))
        print(f"memory of the {name} over the second half: at most {first} MB, then at most {last} MB")
        if last > first * GROWTH[0] + GROWTH[1]:
            wrong.append(f"the {name}'s memory grew from {first} to {last} MB")
    if len(missing) - len(cut) > admitted:
        wrong.append(f"{len(missing) - len(cut) - admitted} requests are missing that nobody admits: {missing[:3]}")
    if strangers := [key for key in seen if key not in logged]:
        wrong.append(f"{len(strangers)} requests that nginx never had: {strangers[:3]}")
    if doubles := [key for key, count in seen.items() if count > 1]:
        wrong.append(f"{len(doubles)} lines are there twice: {doubles[:3]}")
    if len(other) + len(unanswered) > counts["dropped by the kernel"]:
        wrong.append(f"statuses differ: {[(key, status[key], logged[key]) for key in (other + unanswered)[:3]]}")
    if told != lines:
        wrong.append(f"the monitors told {told} lines, the log has {lines}")
    return wrong


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """A small disk of its own."""
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}m", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def soak(seconds: int) -> list[str]:
    """Run it all; return what is wrong."""
    with tempfile.TemporaryDirectory() as name, _disk(Path(name)) as disk:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        run = Run(folder, disk, port)
        command = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "nginx.err")]
        nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            run.start_sniffer()
            run.start_monitor()
            time.sleep(2)
            clients = [
                threading.Thread(target=_hostile, args=(port, time.time() + seconds - 5, seed)) for seed in range(2)
            ]
            for client in clients:
                client.start()
            with run.load("steady", seconds, "made % 20", CONNECTIONS, PAUSE):
                _torment(run, seconds)
            for client in clients:
                client.join()
            time.sleep(5)
            for process in (run.sniffer, run.monitor):
                assert process
                process.terminate()
                if process.wait(60):
                    return [f"{process.args!r} ended with {process.returncode}"]
                time.sleep(1)
            nginx.terminate()
            nginx.wait(30)
            if b"Traceback" in b"".join(path.read_bytes() for path in (*run.said, folder / "monitor.err")):
                return ["a traceback"]
            return _account(run)
        finally:
            for each in (run.sniffer, run.monitor, nginx):
                if each and each.poll() is None:
                    each.kill()
                    each.wait()


def main() -> int:
    """Run for as long as the command line or $SOAK_SECONDS says."""
    seconds = int(sys.argv[1] if sys.argv[1:] else os.environ.get("SOAK_SECONDS", SECONDS))
    wrong = soak(seconds)
    for text in wrong:
        print(f"soak: {text}", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
