"""The sniffer's options: the command line on top of a file on top of the defaults."""

import contextlib
import os
import pwd
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sniffer import cli
from sniffer.config import LISTS, SWITCHES, TEXTS, Settings
from sniffer.errors import UsageError
from sniffer.rotation import Rotation
from tests.requires import plain_environment
from tests.waiting import PATIENCE

CAPTURE = Path(__file__).with_name("captures") / "tagged.pcap"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for whoever runs the tests."""
    monkeypatch.setattr(pwd, "getpwuid", lambda _: SimpleNamespace(pw_dir=str(tmp_path)))
    monkeypatch.delenv("TAPLINE_LOG", raising=False)
    return tmp_path


def settings(*arguments: str) -> Settings:
    return cli.settings_from(arguments)


def write(home: Path, text: str) -> Path:
    path = home / ".config/tapline/sniffer.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_without_a_file_everything_is_as_the_help_says() -> None:
    assert settings() == Settings()
    assert settings("-r", "x").rotation == Rotation(0, 0)


def test_every_option_is_a_key_of_the_same_name(home: Path) -> None:
    told = cli.build_parser().format_help().partition("privileges:")[0]
    options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", told))
    assert options - {"--help", "--version", "--list-interfaces", "--config"} == {
        f"--{key}" for key in (*LISTS, *SWITCHES, *TEXTS) if key != "filter"
    }
    write(
        home,
        """
        interface = ["eth0", "lo"]
        write = "log"
        filter = "tcp port 80 or port 81"
        format = "combined"
        origin-form = true
        compress = true
        rotate-size = "5MB"
        rotate-every = "1h"
        keep = 3
        user = "me"
        group = "us"
        mode = "0600"
        """,
    )
    rotation = Rotation(5_000_000, 3600, 3, True)
    assert settings() == Settings(
        ("eth0", "lo"), (), "log", "combined", True, rotation, "me", "us", 0o600, "tcp port 80 or port 81"
    )


def test_the_command_line_is_on_top_of_the_file(home: Path) -> None:
    write(home, 'interface = "eth0"\nkeep = 3\nformat = "combined"\nfilter = "port 80"')
    found = settings("-i", "lo", "--format", "common", "port", "81")
    assert (found.interfaces, found.format, found.filter, found.rotation.keep) == (("lo",), "common", "port 81", 3)
    assert settings("-r", "x").captures == ("x",)  # and the file's interface does not get in its way


def test_a_named_file_stands_in_for_the_one_at_home(home: Path, tmp_path: Path) -> None:
    write(home, "keep = 3")
    other = tmp_path / "other.toml"
    other.write_text("keep = 4")
    assert settings("--config", str(other)).rotation.keep == 4


def test_root_does_not_look_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "another"
    write(other, "keep = 3")
    monkeypatch.setenv("HOME", str(other))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(other / ".config"))
    assert settings().rotation.keep == 7


def test_a_user_without_an_entry_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)
    assert settings() == Settings()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kep = 3", "no option 'kep'"),
        ("x y", "line 1"),
        ("compress = 1", "true or false"),
        ("keep = true", "a text or a number"),
        ("write = ['a', 'b']", "a text or a number"),
        ("keep = 0", "at least 1"),
        ("a = " + "[" * 5000, "too deep|line 1"),
        ("interface = 'lo'\nread = 'x'", "exclude each other"),
    ],
)
def test_a_wrong_file_is_one_line(home: Path, text: str, told: str) -> None:
    write(home, text)
    with pytest.raises(UsageError, match=told) as error:
        settings()
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(home: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: no such file$"):
        settings("--config", "none.toml")
    with pytest.raises(UsageError, match=r"is a directory$"):
        settings("--config", str(home))
    write(home, "").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"sniffer\.toml: 'utf-8' codec"):
        settings()


def test_the_program_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "options.toml"
    file.write_text(f'read = "{CAPTURE}"\nwrite = "-"\norigin-form = true')
    command = [sys.executable, "-m", "sniffer", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert '"GET /tagged HTTP/1.1" 200 9' in done.stdout


def test_an_option_that_there_is_not_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean --rotate-size"):
        settings("--rotat-size", "5MB")


def test_messages_that_nobody_takes_hold_nothing_up() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(write, b"x" * 4096):
            pass
    os.set_blocking(write, True)
    command = [sys.executable, "-m", "sniffer", "-r", str(CAPTURE), "-w", "-"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=write, timeout=PATIENCE, env=plain_environment())
    os.close(read)
    os.close(write)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)


@pytest.mark.parametrize("option", ["--rotate-size=5 PB", "--rotate-every=1y", "--rotate-size=-1", "--keep=0"])
def test_an_amount_that_is_none_is_named_with_its_option(option: str) -> None:
    with pytest.raises(UsageError, match=option.partition("=")[0]):
        settings(option)


@pytest.mark.parametrize("mode", ["640x", "8640", "0999", "0040", "0200", "rw"])
def test_a_mode_with_which_the_sniffer_could_not_write_its_log_is_refused(mode: str) -> None:
    with pytest.raises(UsageError, match="readable and writable for the owner"):
        settings(f"--mode={mode}")
