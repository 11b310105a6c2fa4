"""Root is given up for good, and what is left is read from the kernel itself."""

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from sniffer import privileges
from sniffer.errors import SnifferError, UsageError
from sniffer.privileges import User, drop, how_to_capture, log_group, name_of, run_user
from tests.requires import need

NOBODY = pwd.getpwnam("nobody")


def status_after(code: str) -> dict[str, list[str]]:
    """Run code as root in a process of its own; return its /proc/PID/status."""
    need(os.geteuid() == 0, "giving up root needs root")
    code = f"from sniffer.privileges import *\n{code}\nprint(open('/proc/self/status').read())"
    text = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return {line.split(":")[0]: line.split()[1:] for line in text.splitlines() if line}


def assert_without_privileges(status: Mapping[str, list[str]]) -> None:
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[name][0], 16) == 0, name
    assert status["NoNewPrivs"] == ["1"]


def test_root_becomes_nobody_in_no_group_and_without_a_capability() -> None:
    status = status_after("drop(run_user(None, {}))")
    assert status["Uid"] == [str(NOBODY.pw_uid)] * 4
    assert status["Gid"] == [str(NOBODY.pw_gid)] * 4
    assert status["Groups"] == []
    assert int(status["CapBnd"][0], 16) == 0
    assert_without_privileges(status)


def test_a_group_that_was_asked_for_is_the_only_other_one() -> None:
    assert status_after("drop(run_user(None, {}), 4)")["Groups"] == ["4"]


def test_root_that_stays_root_has_no_capability_left() -> None:
    status = status_after("drop(run_user('root', {}))")
    assert status["Uid"] == ["0"] * 4
    assert_without_privileges(status)


def test_a_user_with_the_capability_loses_it() -> None:
    status = status_after(
        "import os\n"
        "from sniffer.privileges import _libc\n"
        "_libc.prctl(8, 1, 0, 0, 0)\n"  # PR_SET_KEEPCAPS, as a file capability would leave them
        f"os.setresuid({NOBODY.pw_uid}, {NOBODY.pw_uid}, {NOBODY.pw_uid})\n"
        "assert 'CapPrm:\\t0000000000000000' not in open('/proc/self/status').read()\n"
        "drop(run_user(None, {}))"
    )
    assert_without_privileges(status)


def test_the_user_behind_sudo_is_the_one_to_become() -> None:
    need(os.geteuid() == 0, "only root becomes somebody")
    daemon = pwd.getpwnam("daemon")
    user = run_user(None, {"SUDO_UID": str(daemon.pw_uid), "SUDO_USER": "daemon"})
    assert user
    assert user.uid == daemon.pw_uid


@pytest.mark.parametrize("environ", [{}, {"SUDO_UID": "0", "SUDO_USER": "root"}])
def test_without_a_user_behind_sudo_it_is_nobody(environ: dict[str, str]) -> None:
    need(os.geteuid() == 0, "only root becomes somebody")
    user = run_user(None, environ)
    assert user
    assert user.name == "nobody"


def test_users_and_groups_that_do_not_exist_are_usage_errors() -> None:
    with pytest.raises(UsageError, match="no-such-user"):
        run_user("no-such-user", {})
    with pytest.raises(UsageError, match="no-such-group"):
        log_group("no-such-group")


class Kernel:
    """What gives up capabilities, and does or does not do it."""

    def __init__(self, refused: str = "", left: int = 0) -> None:
        self._refused = refused
        self._left = left

    def prctl(self, option: int, *_: int) -> int:
        return -1 if self._refused == "prctl" and option == 38 else 0

    def capset(self, *_: Any) -> int:
        return -1 if self._refused == "capset" else 0

    def capget(self, _: Any, left: Any) -> int:
        left[0] = self._left
        return -1 if self._refused == "capget" else 0


@pytest.mark.parametrize("refused", ["prctl", "capset", "capget"])
def test_where_the_kernel_refuses_nothing_is_captured(refused: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_libc", Kernel(refused))
    with pytest.raises(SnifferError, match="cannot give up root"):
        drop(None)


def test_a_capability_that_is_left_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_libc", Kernel())
    drop(None)
    monkeypatch.setattr(privileges, "_libc", Kernel(left=1 << 13))
    with pytest.raises(SnifferError, match="privileges are left"):
        drop(None)


def test_a_root_that_could_be_had_again_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_libc", Kernel())
    became: list[tuple[int, ...]] = []
    for name in ("setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *ids: became.append(ids))
    with pytest.raises(SnifferError, match="privileges are left"):
        drop(User("somebody", 1234, 1235), 4)
    assert became == [([4],), (1235, 1235, 1235), (1234, 1234, 1234), (0, 0, 0)]


def test_who_is_not_root_becomes_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY.pw_uid)
    assert run_user(None, {}) is None
    assert run_user("nobody", {"SUDO_UID": "0"}) is None
    with pytest.raises(UsageError, match="--user root: only root can become another user"):
        run_user("root", {})


def test_a_sudo_that_names_nobody_who_exists_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for uid in ("4294900000", "x"):
        with pytest.raises(UsageError, match=f"there is no user {uid}: name one with --user"):
            run_user(None, {"SUDO_UID": uid})


def test_without_the_group_of_log_readers_a_log_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileges, "_LOG_GROUP", "no-such-group")
    assert log_group(None) is None


def test_a_user_without_a_name_is_told_by_the_number() -> None:
    assert (name_of(0), name_of(4_294_900_000)) == ("root", "4294900000")


def test_the_interpreter_that_is_given_the_capability_is_no_link(tmp_path: Any) -> None:
    (tmp_path / "python").touch()
    (tmp_path / "link").symlink_to("python")
    assert f"cap_net_raw+ep {tmp_path}/python)" in how_to_capture(f"{tmp_path}/link")
