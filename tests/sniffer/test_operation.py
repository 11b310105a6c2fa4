"""The sniffer as a process: what it observes live, as whom, and what signals and other people's doings make of it."""

import contextlib
import gzip
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sniffer.privileges import NICE
from tests.pseudo_terminal import Session
from tests.requires import need, need_libpcap, plain_environment

ROOT = Path(__file__).parent.parent.parent
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
SERVER = f"""
import socket, sys
server = socket.create_server((sys.argv[1], 8080))
print("ready", flush=True)
while True:
    client, _ = server.accept()
    while client.recv(4096):
        client.sendall({REPLY!r})
    client.close()
"""
CLIENT = """
import socket, sys
client = socket.create_connection((sys.argv[1], 8080))
for n in range(int(sys.argv[2])):
    client.sendall(b"GET /%s/%d HTTP/1.1\\r\\nHost: example\\r\\n\\r\\n" % (sys.argv[3].encode(), n))
    assert client.recv(4096)
client.close()
"""
FRAMES = f"""
import socket, struct
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("ba", 0))

def segment(ports, seq, ack, data):
    return struct.pack("!HHIIBBHHH", *ports, seq, ack, 0x50, 0x18, 65535, 0, 0) + data

def send(tags, addresses, payload, number=0, fragment=0):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number, fragment, 64, 6, 0, *addresses)
    tagged = b"".join(struct.pack("!HH", 0x8100, tag) for tag in tags)
    out.send(bytes(12) + tagged + b"\\x08\\0" + ip + payload)

one, two = bytes((10, 9, 3, 1)), bytes((10, 9, 3, 2))
for port, path, tags in ((1001, b"single", [7]), (1002, b"double", [7, 8]), (1003, b"fragments", [])):
    request = b"GET /%s HTTP/1.1\\r\\nHost: example\\r\\n\\r\\n" % path
    whole = segment((port, 80), 1, 1, request)
    if tags:
        send(tags, (one, two), whole)
    else:
        send(tags, (one, two), whole[:32], port, 0x2000)
        send(tags, (one, two), whole[32:], port, 32 // 8)
    send(tags, (two, one), segment((80, port), 1, 1 + len(request), {REPLY!r}))
"""
STATUS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Uid", "Gid", "Groups")


def until(condition: Callable[[], object]) -> None:
    """Wait for what must come; half a minute is for a machine that is busy, not a claim."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come")


class Sniffer:
    """A sniffer in a process of its own, with what it says and writes."""

    def __init__(
        self, log: Path, *options: str, inside: tuple[str, ...] = (), env: dict[str, str] | None = None
    ) -> None:
        self.log = log
        self.errors = log.parent.parent / f"{log.parent.name}.err"
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                [*inside, sys.executable, "-m", "sniffer", "-w", str(log), *options],
                stderr=errors,
                env=env,
            )

    def has_opened_its_log(self) -> bool:
        for file in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if file.readlink() == self.log:
                    return True
        return False

    def said(self) -> str:
        return self.errors.read_text()

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Sniffer]]:
    """Start sniffers, which end with the test at the latest, and wait for their log to be open or for their end."""
    need(hasattr(socket, "AF_PACKET") and os.geteuid() == 0, "capturing needs Linux and root")
    started: list[Sniffer] = []

    def begin(*options: str, folder: str = "logs", **more: Any) -> Sniffer:
        sniffer = Sniffer(tmp_path / folder / "access.log", *options, **more)
        started.append(sniffer)
        until(lambda: sniffer.process.poll() is not None or sniffer.has_opened_its_log())
        return sniffer

    yield begin
    for sniffer in started:
        if sniffer.process.poll() is None:
            sniffer.process.kill()
            sniffer.process.wait()


@pytest.fixture
def port() -> Iterator[int]:
    """A port of the loopback where every request is answered."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                with client:
                    while client.recv(4096):
                        client.sendall(REPLY)

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def get(port: int, path: str) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /%s HTTP/1.1\r\nHost: example\r\n\r\n" % path.encode())
        assert client.recv(4096) == REPLY


def only(port: int) -> str:
    """A filter that keeps out what others send over the loopback."""
    need_libpcap()
    return f"tcp port {port}"


def test_every_exchange_on_the_loopback_is_one_line(start: Callable[..., Sniffer], port: int) -> None:
    sniffer = start("-i", "lo", *only(port).split())
    for n in range(20):
        get(port, str(n))
    until(lambda: len(sniffer.lines()) >= 20)
    assert sniffer.stop() == 0
    assert [line.split('"')[1:] for line in sniffer.lines()] == [
        [f"GET http://example/{n} HTTP/1.1", " 200 5"] for n in range(20)
    ]
    assert "transactions 20, unanswered 0" in sniffer.said()
    assert "lines written 20, lines lost 0" in sniffer.said()


def test_what_came_right_before_the_end_is_written(start: Callable[..., Sniffer], port: int) -> None:
    sniffer = start("-i", "lo", only(port))
    get(port, "last")
    assert sniffer.stop() == 0
    assert "example/last " in sniffer.log.read_text()


def test_root_is_given_up_before_the_first_packet_is_read(start: Callable[..., Sniffer]) -> None:
    sniffer = start("-i", "lo")
    nobody = pwd.getpwnam("nobody")
    for task in Path(f"/proc/{sniffer.process.pid}/task").iterdir():
        text = (task / "status").read_text()
        status = {line.split(":")[0]: line.split()[1:] for line in text.splitlines() if line.split(":")[0] in STATUS}
        assert all(int(status[name][0], 16) == 0 for name in STATUS[:5])
        assert status["NoNewPrivs"] == ["1"]
        assert status["Uid"] == [str(nobody.pw_uid)] * 4
        assert status["Gid"] == [str(nobody.pw_gid)] * 4
        assert status["Groups"] == []
    assert sniffer.log.stat().st_uid == sniffer.log.parent.stat().st_uid == nobody.pw_uid
    assert sniffer.log.stat().st_mode & 0o777 == 0o640
    assert sniffer.log.parent.stat().st_mode & 0o7777 == 0o2750


def niceness(process: int) -> set[int]:
    """Of all threads of a process."""
    stats = [(task / "stat").read_text() for task in Path(f"/proc/{process}/task").iterdir()]
    return {int(stat.rpartition(")")[2].split()[16]) for stat in stats}


def test_a_capture_goes_before_other_work_unless_somebody_chose_its_niceness(start: Callable[..., Sniffer]) -> None:
    need(os.getpriority(os.PRIO_PROCESS, 0) == 0, "the tests themselves are not run at the usual niceness")
    assert niceness(start("-i", "lo").process.pid) == {NICE}
    assert niceness(start("-i", "lo", folder="chosen", inside=("nice", "-n", "5")).process.pid) == {5}
    assert niceness(os.getpid()) == {0}


def test_so_does_its_session_if_that_is_its_own(start: Callable[..., Sniffer]) -> None:
    need(Path("/proc/self/autogroup").exists(), "sessions are not scheduled as groups here")
    before = Path("/proc/self/autogroup").read_text()
    own = start("-i", "lo", inside=("setsid",)).process.pid
    assert Path(f"/proc/{own}/autogroup").read_text().endswith(f" nice {NICE}\n")
    start("-i", "lo", folder="shared")
    assert Path("/proc/self/autogroup").read_text() == before


def test_rotation_works_without_root(start: Callable[..., Sniffer], port: int) -> None:
    sniffer = start("-i", "lo", "--rotate-size", "300", "--keep", "99", only(port))
    for n in range(20):
        get(port, str(n))

    def lines() -> list[str]:
        return [line for part in sniffer.log.parent.iterdir() for line in part.read_text().splitlines()]

    until(lambda: len(lines()) >= 20)
    assert sniffer.stop() == 0
    assert sorted(int(re.findall(r"example/(\d+) ", line)[0]) for line in lines()) == list(range(20))
    assert len(os.listdir(sniffer.log.parent)) > 5
    assert "lines lost 0" in sniffer.said()


def test_signals_print_the_counts_and_reopen_the_log(start: Callable[..., Sniffer], port: int) -> None:
    sniffer = start("-i", "lo", only(port))
    get(port, "first")
    until(sniffer.lines)
    sniffer.process.send_signal(signal.SIGUSR1)
    until(lambda: "transactions 1," in sniffer.said())
    sniffer.log.rename(sniffer.log.with_name("old.log"))
    sniffer.process.send_signal(signal.SIGHUP)
    until(sniffer.log.exists)
    get(port, "second")
    until(sniffer.lines)
    assert sniffer.stop(signal.SIGINT) == 0
    assert "example/first " in sniffer.log.with_name("old.log").read_text()
    assert "example/second " in sniffer.log.read_text()
    assert "lines written 2, lines lost 0" in sniffer.said()


def test_after_a_kill_the_next_one_takes_over_where_the_log_ends(start: Callable[..., Sniffer], port: int) -> None:
    first = start("-i", "lo", only(port))
    get(port, "first")
    until(first.lines)
    refused = start("-i", "lo")
    assert refused.process.wait(30) == 1
    assert "another sniffer is writing it" in refused.said()
    first.stop(signal.SIGKILL)
    with open(first.log, "ab") as log:
        log.write(b"half a li")
    second = start("-i", "lo", only(port))
    get(port, "second")
    until(lambda: len(second.lines()) == 3)
    assert second.stop() == 0
    assert second.lines()[1] == "half a li"
    assert "example/second " in second.lines()[2]


def test_a_person_at_a_terminal_is_told_what_is_watched_by_whom_and_where_it_goes(tmp_path: Path) -> None:
    need(hasattr(socket, "AF_PACKET") and os.geteuid() == 0, "capturing needs Linux and root")
    log = tmp_path / "access.log"
    words = ["-i", "lo", "-w", str(log), "--user", "root", "--rotate-size", "0", "--rotate-every", "0"]
    with Session([sys.executable, "-m", "sniffer", *words], columns=200) as session:
        session.until(f"sniffer: watching lo as root, writing to {log}; Ctrl-C ends it")
        session.press("\x03")
        assert session.ended() == 0


def test_a_folder_that_the_run_user_cannot_rotate_in_is_an_error_at_start(
    start: Callable[..., Sniffer], tmp_path: Path
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "somebody's").touch()
    (tmp_path / "logs" / "access.log").touch()
    (tmp_path / "logs" / "access.log").chmod(0o666)
    sniffer = start("-i", "lo", env=plain_environment())
    assert sniffer.process.wait(30) == 1
    assert "may not write to its folder" in sniffer.said()
    assert sniffer.said().count("\n") == 1


def capture_of_one_exchange() -> bytes:
    """A pcap file, made by hand."""
    request = b"GET /x HTTP/1.1\r\nHost: example\r\n\r\n"
    parts = [struct.pack("=IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)]
    for ends, ports, seq, ack, data in (
        (bytes((10, 0, 0, 1, 10, 0, 0, 2)), (1024, 80), 1, 1, request),
        (bytes((10, 0, 0, 2, 10, 0, 0, 1)), (80, 1024), 1, 1 + len(request), REPLY),
    ):
        tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, 0x50, 0x18, 65535, 0, 0) + data
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + ends + tcp
        parts.append(struct.pack("=IIII", 1_700_000_000, 0, len(packet), len(packet)) + packet)
    return b"".join(parts)


def test_root_reads_captures_and_writes_where_only_root_may(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "capture").write_bytes(capture_of_one_exchange())
    for _ in range(2):
        command = [sys.executable, "-m", "sniffer", "-r", str(tmp_path / "capture"), "-w", str(tmp_path / "log")]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0
        assert "lines written 1, lines lost 0" in done.stderr
    assert (tmp_path / "log").read_text().count("GET http://example/x HTTP/1.1") == 2


@pytest.mark.parametrize(("words", "count"), [([], 1), (["tcp port 80"], 1), (["tcp", "port", "81"], 0)])
def test_a_capture_is_read_from_standard_input_and_filtered(words: list[str], count: int) -> None:
    if words:
        need_libpcap()
    command = [sys.executable, "-m", "sniffer", "-r", "-", "-w", "-", *words]
    done = subprocess.run(command, input=capture_of_one_exchange(), capture_output=True)
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == count


@pytest.mark.parametrize("source", [["-i", "lo"], ["-r", "-"]])
def test_a_filter_without_libpcap_is_a_named_error(source: list[str]) -> None:
    code = (
        "import ctypes.util, sys\n"
        "ctypes.util.find_library = lambda name: None\n"
        "from sniffer import cli\n"
        "sys.exit(cli.main(['-w', '-', *sys.argv[1:], 'tcp port 80']))\n"
    )
    command = [sys.executable, "-c", code, *source]
    done = subprocess.run(command, input=capture_of_one_exchange(), capture_output=True)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"sniffer: a filter needs libpcap, which is not installed")
    assert done.stderr.count(b"\n") == 1


def test_without_a_privilege_it_says_the_three_ways() -> None:
    need(os.geteuid() == 0, "becoming another user needs root")
    code = (
        "import locale, os, sys\n"  # nobody may not be able to read where Python is
        "from sniffer import app, cli\n"
        f"os.setresuid(*[{pwd.getpwnam('nobody').pw_uid}] * 3)\n"
        "sys.exit(cli.main(['-w', '-']))\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=plain_environment())
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    for way in ("sudo", "setcap cap_net_raw+ep", "systemctl start"):
        assert way in done.stderr


def test_with_the_one_capability_it_runs_without_root_and_gives_that_up(port: int) -> None:
    need(os.geteuid() == 0, "becoming another user needs root")
    nobody = pwd.getpwnam("nobody").pw_uid
    code = (
        "import ctypes, locale, os, sys\n"  # nobody may not be able to read where Python is
        "from sniffer import app, cli\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.prctl(8, 1, 0, 0, 0)\n"  # PR_SET_KEEPCAPS
        f"os.setgroups([]); os.setresuid({nobody}, {nobody}, {nobody})\n"
        "raw = 1 << 13\n"  # CAP_NET_RAW
        "assert libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(raw, raw)) == 0\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, nobody, -1)
        log = Path(folder) / "access.log"
        command = [sys.executable, "-c", code, "-w", str(log), "-i", "lo"]
        with subprocess.Popen(command) as process:
            try:
                until(lambda: log.exists() or process.poll() is not None)
                get(port, "first")
                until(lambda: b"example/first " in log.read_bytes())
                status = Path(f"/proc/{process.pid}/status").read_text()
                assert "CapPrm:\t0000000000000000" in status
                assert "CapEff:\t0000000000000000" in status
            finally:
                process.terminate()
        assert process.returncode == 0


def test_logrotate_rotates_it_without_a_lost_line(start: Callable[..., Sniffer], port: int, tmp_path: Path) -> None:
    need(shutil.which("logrotate"), "logrotate is not installed")
    sniffer = start("-i", "lo", "--user", "root", "--rotate-size", "0", "--rotate-every", "0", only(port))
    snippet = (ROOT / "deploy" / "logrotate" / "tapline").read_text()
    snippet = snippet.replace("/var/log/tapline/access.log", str(sniffer.log)).replace("su tapline adm", "su root root")
    snippet = snippet.replace("create 0640 tapline adm", "create 0640 root root")
    snippet = re.sub("systemctl kill.*", f"kill -HUP {sniffer.process.pid}", snippet)
    (tmp_path / "tapline").write_text(snippet)
    (tmp_path / "tapline").chmod(0o644)
    command = ["logrotate", "--force", "--state", str(tmp_path / "state"), str(tmp_path / "tapline")]
    for n in range(60):
        get(port, str(n))
        if n % 20 == 19:
            until(sniffer.lines)
            subprocess.run(command, check=True)
    until(lambda: sniffer.process.poll() is None and sniffer.log.exists())
    assert sniffer.stop() == 0
    text = b""
    for part in sniffer.log.parent.iterdir():
        text += gzip.decompress(part.read_bytes()) if part.suffix == ".gz" else part.read_bytes()
    assert sorted(int(n) for n in re.findall(rb"example/(\d+) ", text)) == list(range(60))
    assert len(list(sniffer.log.parent.iterdir())) == 4


@pytest.mark.parametrize("unit", ["tapline-sniffer", "tapline-monitor"])
def test_the_services_are_well_formed(unit: str, tmp_path: Path) -> None:
    need(shutil.which("systemd-analyze"), "systemd is not installed")
    text = (ROOT / "deploy" / "systemd" / f"{unit}.service").read_text()
    (tmp_path / f"{unit}.service").write_text(re.sub(r"/usr/local/bin/\w+", "/bin/true", text))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / f"{unit}.service")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", ["tapline-sniffer", "tapline-monitor"])
def test_the_services_name_options_that_exist(unit: str) -> None:
    text = (ROOT / "deploy" / "systemd" / f"{unit}.service").read_text()
    (command,) = re.findall(r"^ExecStart=/usr/local/bin/(.*)", text, re.MULTILINE)
    program, *words = command.split()
    told = subprocess.run([sys.executable, "-m", program, "--help"], capture_output=True, text=True).stdout
    assert all(f"{word} " in told for word in words if word.startswith("-"))


def completed(shell: str, program: str, *words: str) -> list[str]:
    """What the completion offers for the last of the words of a command line."""
    need(shutil.which(shell), f"{shell} is not installed")
    line = " ".join(f"'{word}'" for word in (program, *words))
    script = (
        f"source {ROOT}/deploy/completion/tapline.bash; {program}() {{ {sys.executable} -m {program} $@; }}\n"
        f"COMP_WORDS=({line}); COMP_CWORD={len(words)}\n"
        f"_tapline {program} '{words[-1]}' '{[program, *words][-2]}'\n"
        'printf "%s\\n" ${COMPREPLY[@]}'
    )
    options = {"bash": [], "zsh": ["-f"]}[shell]
    if shell == "zsh":
        script = f"autoload -U compinit bashcompinit; compinit -D; bashcompinit\n{script}"
    command = [shell, *options, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    begun = "" if words[-1] == "=" else words[-1]
    return sorted(word for word in done.stdout.split() if word.startswith(begun))  # zsh leaves this to its widget


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(("program", "made"), [("sniffer", "build_parser"), ("monitor", "parser")])
def test_every_option_is_completed_and_nothing_else(shell: str, program: str, made: str) -> None:
    code = f"from {program}.cli import {made}; print(*(o for a in {made}()._actions for o in a.option_strings))"
    options = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert completed(shell, program, "-") == sorted(options)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_values_are_completed(shell: str) -> None:
    assert completed(shell, "sniffer", "-i", "l") == ["lo"]
    assert completed(shell, "sniffer", "-w", "READ") == ["README.md"]
    assert completed(shell, "monitor", "--output", "pl") == ["plain"]
    help_text = subprocess.run([sys.executable, "-m", "monitor", "--help"], capture_output=True, text=True).stdout
    presets = re.findall(r"a preset \((.*?)\)", help_text, re.DOTALL)[0].replace(",", "").split()
    assert set(completed(shell, "monitor", "--format", "")) == {"auto", *presets}


def test_a_value_behind_an_equals_sign_is_completed_in_bash() -> None:
    assert completed("bash", "monitor", "--output", "=", "js") == ["json"]
    assert len(completed("bash", "monitor", "--metric", "=")) == 2


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("-i", "no-such-interface"), 1, "no interface no-such-interface; there are "),
        (("-i", "lo", "--user", "no-such-user"), 2, "there is no user no-such-user"),
        (("-i", "lo", "--group", "no-such-group"), 2, "there is no such group"),
        (("-i", "lo", "-r", "capture"), 2, "-i and -r exclude each other"),
        (("-r", "/no/such/capture"), 1, "No such file"),
        (("-i", "lo", "--rotate-size", "many"), 2, "'many' is not a size"),
        (("-i", "lo", "--mode", "0999"), 2, "is not a mode"),
        (("-i", "lo", "--keep", "0"), 2, "at least 1"),
        (("-i", "lo", "--format", "no-such-format"), 2, "no-such-format"),
    ],
)
def test_an_error_is_one_line_and_a_status(options: tuple[str, ...], status: int, message: str) -> None:
    need(os.geteuid() == 0, "some of these are found after the socket was opened")
    done = subprocess.run([sys.executable, "-m", "sniffer", "-w", "-", *options], capture_output=True, text=True)
    assert done.returncode == status
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_filter_that_is_none_is_wrong_usage() -> None:
    need_libpcap()
    command = [sys.executable, "-m", "sniffer", "-w", "-", "-i", "lo", "tcp prt 80"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "syntax error" in done.stderr


def test_interfaces_are_listed() -> None:
    done = subprocess.run([sys.executable, "-m", "sniffer", "--list-interfaces"], capture_output=True, text=True)
    assert done.returncode == 0
    assert re.search(r"^ +1  lo +up +127\.0\.0\.1", done.stdout, re.MULTILINE)


class Net:
    """Network namespaces a, b and c; b and c are each linked to a."""

    def __init__(self) -> None:
        self._names = {short: f"tapline-{os.getpid()}-{short}" for short in "abc"}
        self._processes: list[subprocess.Popen[bytes]] = []
        for name in self._names.values():
            self.ip("netns", "add", name)
        for short in "abc":
            self.inside(short, "ip", "link", "set", "lo", "up")

    def ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def prefix(self, where: str) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self._names[where])

    def inside(self, where: str, *command: str) -> None:
        subprocess.run([*self.prefix(where), *command], check=True, capture_output=True)

    def link(self, near: str, far: str, near_name: str, far_name: str, network: str) -> None:
        """Link two namespaces; the near end has address .1, the far one .2 (no network: no addresses)."""
        peer = ("peer", "name", far_name, "netns", self._names[far])
        self.inside(near, "ip", "link", "add", near_name, "type", "veth", *peer)
        for where, name, host in ((near, near_name, 1), (far, far_name, 2)):
            if network:
                self.inside(where, "ip", "address", "add", f"{network}.{host}/24", "dev", name)
            self.inside(where, "ip", "link", "set", name, "up")

    def serve(self, where: str, address: str) -> None:
        command = [*self.prefix(where), sys.executable, "-c", SERVER, address]
        server = subprocess.Popen(command, stdout=subprocess.PIPE)
        self._processes.append(server)
        assert server.stdout
        with server.stdout:
            assert server.stdout.readline() == b"ready\n"

    def ask(self, where: str, address: str, count: int, path: str) -> None:
        self.inside(where, sys.executable, "-c", CLIENT, address, str(count), path)

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for name in self._names.values():
            self.ip("netns", "delete", name)


@pytest.fixture
def net() -> Iterator[Net]:
    need(os.geteuid() == 0 and shutil.which("ip"), "network namespaces need root and ip")
    made = Net()
    yield made
    made.close()


def paths(sniffer: Sniffer) -> list[str]:
    return sorted(line.split("example")[1].split(" ")[0] for line in sniffer.lines())


def asked(path: str, count: int) -> list[str]:
    return [f"/{path}/{n}" for n in range(count)]


def test_all_interfaces_are_watched_and_what_goes_out_is_not_lost(net: Net, start: Callable[..., Sniffer]) -> None:
    net.link("a", "b", "ab", "ba", "10.9.1")
    net.serve("a", "0.0.0.0")
    net.serve("b", "0.0.0.0")
    sniffer = start(inside=net.prefix("a"))
    net.ask("a", "127.0.0.1", 5, "loopback")
    net.ask("a", "10.9.1.2", 5, "out")
    net.ask("b", "10.9.1.1", 5, "in")
    until(lambda: len(sniffer.lines()) >= 15)
    sniffer.stop()
    assert paths(sniffer) == asked("in", 5) + asked("loopback", 5) + asked("out", 5)
    assert all(line.endswith(" 200 5") for line in sniffer.lines())


def test_copies_on_a_bridge_and_its_ports_count_once(net: Net, start: Callable[..., Sniffer]) -> None:
    net.link("a", "b", "ab", "ba", "")
    net.link("a", "c", "ac", "ca", "")
    net.inside("a", "ip", "link", "add", "bridge", "type", "bridge")
    for port in ("ab", "ac"):
        net.inside("a", "ip", "link", "set", port, "master", "bridge")
    net.inside("a", "ip", "link", "set", "bridge", "up", "promisc", "on")
    net.inside("b", "ip", "address", "add", "10.9.2.1/24", "dev", "ba")
    net.inside("c", "ip", "address", "add", "10.9.2.2/24", "dev", "ca")
    net.serve("c", "10.9.2.2")
    sniffer = start(inside=net.prefix("a"))
    net.ask("b", "10.9.2.2", 5, "bridged")
    until(lambda: len(sniffer.lines()) >= 5)
    sniffer.stop()
    assert paths(sniffer) == asked("bridged", 5)
    frames = int(re.findall(r"segments (\d+)", sniffer.said())[0])
    assert frames > 2 * (5 * 2 + 3)  # there were copies


def test_tagged_and_fragmented_packets_are_included(net: Net, start: Callable[..., Sniffer]) -> None:
    net.link("a", "b", "ab", "ba", "")
    sniffer = start("-i", "ab", inside=net.prefix("a"))
    net.inside("b", sys.executable, "-c", FRAMES)
    until(lambda: len(sniffer.lines()) >= 3)
    sniffer.stop()
    assert paths(sniffer) == ["/double", "/fragments", "/single"]
    assert all(line.endswith(" 200 5") for line in sniffer.lines())


def test_an_interface_that_goes_comes_back_or_appears_is_picked_up(net: Net, start: Callable[..., Sniffer]) -> None:
    net.link("a", "b", "ab", "ba", "10.9.4")
    net.serve("b", "0.0.0.0")
    named = start("-i", "ab", inside=net.prefix("a"))
    everything = start(folder="all", inside=net.prefix("a"))
    net.ask("a", "10.9.4.2", 2, "before")
    net.inside("a", "ip", "link", "set", "ab", "down")
    until(lambda: "ab is down" in named.said())
    net.inside("a", "ip", "link", "set", "ab", "up")
    until(lambda: "ab is up" in named.said())
    net.ask("a", "10.9.4.2", 2, "down")
    net.inside("a", "ip", "link", "delete", "ab")
    until(lambda: "ab is gone" in named.said())
    net.link("a", "b", "ab", "ba", "10.9.4")
    until(lambda: named.said().count("ab is up") == 2)
    net.ask("a", "10.9.4.2", 2, "gone")
    for sniffer in (named, everything):
        until(lambda sniffer=sniffer: len(sniffer.lines()) >= 6)
        assert paths(sniffer) == asked("before", 2) + asked("down", 2) + asked("gone", 2)


def test_only_the_named_interfaces_are_watched(net: Net, start: Callable[..., Sniffer]) -> None:
    net.link("a", "b", "ab", "ba", "10.9.5")
    net.link("a", "c", "ac", "ca", "10.9.6")
    net.serve("b", "0.0.0.0")
    net.serve("c", "0.0.0.0")
    net.serve("a", "127.0.0.1")
    sniffer = start("-i", "ac", "-i", "lo", inside=net.prefix("a"))
    net.ask("a", "10.9.5.2", 2, "not")
    net.ask("a", "10.9.6.2", 2, "one")
    net.ask("a", "127.0.0.1", 2, "two")
    until(lambda: len(sniffer.lines()) >= 4)
    sniffer.stop()
    assert paths(sniffer) == asked("one", 2) + asked("two", 2)
