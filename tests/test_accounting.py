"""nginx's own log held against the sniffer's, line by line: what is missing is what the sniffer says is missing.

Every request has a number of its own in its URL, and answers of different statuses and lengths. ``tests/soak.py`` does
more at a time, for longer, with the monitor; here each thing that may cost lines happens alone, and is counted exactly.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requires import need, need_libpcap
from tests.waiting import PATIENCE, eventually

NGINX = """
worker_processes 1; daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/nginx.err crit;
events {{ worker_connections 1024; }}
http {{
    log_format ids '$msec $status $body_bytes_sent "$request"'; access_log {folder}/nginx.log ids;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5; keepalive_requests {requests};
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "$request_uri$request_uri\\n"; }}
        location /c/6/ {{ return 204; }} location /c/7/ {{ return 304; }}
        location /c/8/ {{ return 503 "$request_uri$request_uri$request_uri"; }} location /c/9/ {{ return 404 "no"; }}
    }}
}}
"""
WRK = """
local made = 0
request = function()
    made = made + 1
    return wrk.format("GET", "/c/" .. made %% 10 .. "/%(run)s." .. made .. string.rep("x", made %% 197))
end
function delay() return %(pause)d end
"""
ID = re.compile(rb'"GET (?:http://[^/ ]*)?(/c/[^ ]+) HTTP/1.1"')
ABSENT = re.compile(r"last written at (\S+ \S+), (\d+\.\d) s ago; exchanges that ended since then are not in it")


class Trial:
    """nginx, its log, and a sniffer's beside it."""

    def __init__(self, folder: Path, requests: int = 1_000_000) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.said: list[Path] = []
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port, requests=requests))
        command = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "nginx.err")]
        self.nginx = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self.sniffer: subprocess.Popen[bytes] | None = None
        assert eventually(self.serves)

    def serves(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def start(self) -> subprocess.Popen[bytes]:
        """Start a sniffer and wait until it captures."""
        self.said.append(self.folder / f"said.{len(self.said)}")
        log = self.logs / "access.log"
        options = ["-i", "lo", "-w", str(log), "--user", "root", "--rotate-size", "1MB", "--keep", "999"]
        with self.said[-1].open("wb") as err:
            command = [sys.executable, "-m", "sniffer", *options, f"tcp port {self.port}"]
            self.sniffer = process = subprocess.Popen(command, stderr=err)

        def captures() -> bool:
            assert process.poll() is None, self.told()
            with contextlib.suppress(OSError):
                return any(file.readlink() == log for file in Path(f"/proc/{process.pid}/fd").iterdir())
            return False

        assert eventually(captures)
        return process

    def told(self) -> str:
        return "".join(path.read_text() for path in self.said)

    @contextlib.contextmanager
    def load(self, run: str, seconds: int = 0, connections: int = 20, pause: int = 10) -> Iterator[None]:
        """Have wrk ask for so long; leaving waits for its end, or without ``seconds`` ends it."""
        script = self.folder / f"{run}.lua"
        script.write_text(WRK % {"run": run, "pause": pause})
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds or 4 * PATIENCE}s", "-s", str(script)]
        with subprocess.Popen([*command, f"http://127.0.0.1:{self.port}/"], stdout=subprocess.DEVNULL) as wrk:
            try:
                yield
                if not seconds:
                    wrk.send_signal(signal.SIGINT)
                wrk.wait(seconds + PATIENCE)
            finally:
                wrk.kill()

    def stop(self) -> Account:
        """End the sniffer; hold the logs against each other."""
        assert self.sniffer
        self.sniffer.terminate()
        assert self.sniffer.wait(PATIENCE) == 0
        return Account(self)

    def close(self) -> None:
        for process in (self.sniffer, self.nginx):
            if process and process.poll() is None:
                process.kill()
                process.wait()


class Account:
    """What the two logs and the counters say."""

    def __init__(self, trial: Trial) -> None:
        self.nginx: dict[bytes, tuple[float, bytes, int]] = {}  # time, status, bytes, in nginx's order
        for line in (trial.folder / "nginx.log").read_bytes().splitlines():
            if match := ID.search(line):
                at, status, size = line.split(b" ", 3)[:3]
                self.nginx[match[1]] = float(at), status, int(size)
        seen: Counter[bytes] = Counter()
        self.others = 0
        self.differing = []  # another status, or more bytes
        self.unanswered = []
        self.files = sorted(trial.logs.glob("access.log*"))
        for line in b"".join(path.read_bytes() for path in self.files).split(b"\n")[:-1]:
            match = ID.search(line)
            if match is None:
                self.others += 1
                continue
            seen[match[1]] += 1
            status, size = line[match.end() + 1 :].split(b" ")
            _, true_status, true_size = self.nginx.get(match[1], (0.0, b"", 0))
            if status == b"-":
                self.unanswered.append(match[1])
            elif status != true_status or int(size.replace(b"-", b"0")) > true_size:
                self.differing.append((line, self.nginx.get(match[1])))
        self.seen = set(seen)
        self.twice = [key for key, count in seen.items() if count > 1]
        self.invented = self.seen - set(self.nginx)
        self.missing = [key for key in self.nginx if key not in self.seen]
        (last,) = (line for line in trial.said[-1].read_text().splitlines() if "transactions" in line)
        self.counts = {name: int(count) for name, count in re.findall(r"([a-z][a-zA-Z ]*?) (\d+)(?=,|$)", last)}
        self.dropped = self.counts["dropped by the kernel"]

    def is_true(self) -> None:
        """Nothing is made up, whatever was lost."""
        assert not self.others
        assert not self.invented
        assert not self.twice
        assert not self.differing


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    need(os.geteuid() == 0, "root, to capture")
    need(shutil.which("nginx") is not None and shutil.which("wrk") is not None, "nginx and wrk")
    need_libpcap()
    return tmp_path


@pytest.fixture
def trial(folder: Path) -> Iterator[Trial]:
    made = Trial(folder)
    yield made
    made.close()


def test_every_line_of_nginx_is_there_once_with_its_status_and_bytes_through_rotations(trial: Trial) -> None:
    trial.start()
    with trial.load("steady", 7):
        pass
    account = trial.stop()
    account.is_true()
    assert len(account.files) > 2
    assert len(account.missing) + len(account.unanswered) <= account.dropped  # which are none but on a busy machine
    assert account.counts["lines written"] == account.counts["transactions"] == len(account.seen)
    assert account.counts["lines lost"] == 0


def test_what_a_killed_sniffer_missed_is_one_stretch_that_the_next_one_names(trial: Trial) -> None:
    first = trial.start()

    def written() -> bytes:
        return b"".join(path.read_bytes() for path in trial.logs.glob("access.log*"))

    with trial.load("kill"):
        assert eventually(lambda: len(list(trial.logs.glob("access.log*"))) > 1)
        first.kill()
        first.wait()
        before = written()
        trial.start()
        assert eventually(lambda: len(written()) > len(before))
    account = trial.stop()
    account.is_true()
    order = {key: place for place, key in enumerate(account.nginx)}
    last = max(order[match[1]] for match in ID.finditer(before))
    if not account.dropped:
        # In flight when the second one began: its answers have no requests.
        flying = account.counts.get("orphan responses", 0)
        late = [key for key in account.missing if order[key] < last]
        assert not late
        after = min(order[key] for key in account.seen if order[key] > last)
        assert len([key for key in account.missing if order[key] > after]) <= flying
    (found,) = ABSENT.findall(trial.told())
    written = time.mktime(time.strptime(found[0], "%Y-%m-%d %H:%M:%S"))
    times = list(account.nginx.values())
    assert times[last][0] <= written + 1
    assert all(account.nginx[key][0] <= written + 1 + float(found[1]) + 0.1 for key in account.missing)


def test_a_full_disk_costs_exactly_the_lines_that_are_counted(folder: Path) -> None:
    (folder / "logs").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2M,mode=755", "tmpfs", str(folder / "logs")], check=True)
    trial = None
    try:
        trial = Trial(folder)
        (trial.logs / "ballast").write_bytes(bytes(1_000_000))
        trial.start()
        with trial.load("full"):
            assert eventually(lambda: "lines are being lost" in trial.told())
            (trial.logs / "ballast").unlink()
            assert eventually(lambda: "is written again" in trial.told())
        account = trial.stop()
    finally:
        if trial:
            trial.close()
        subprocess.run(["umount", "-l", str(folder / "logs")], check=True)
    account.is_true()
    lost = account.counts["lines lost"]
    assert 0 < lost <= len(account.missing) <= lost + account.dropped
    assert account.counts["lines written"] == len(account.seen)
    assert account.counts["lines written"] + lost == account.counts["transactions"]


@pytest.mark.parametrize("requests", [1_000_000, 5])
def test_under_overload_no_more_is_missing_than_frames_were_dropped(folder: Path, requests: int) -> None:
    trial = Trial(folder, requests)  # a connection
    try:
        process = trial.start()
        with trial.load("flood", 3, connections=30, pause=0):
            process.send_signal(signal.SIGSTOP)  # as if it got no processor
            time.sleep(1.5)
            process.send_signal(signal.SIGCONT)
        account = trial.stop()
    finally:
        trial.close()
    account.is_true()
    incomplete = len(account.missing) + len(account.unanswered)
    assert incomplete <= account.dropped
    assert account.counts["unanswered"] == len(account.unanswered)
