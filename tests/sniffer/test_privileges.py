"""Root is given up for good, and what is left is read from the kernel itself."""

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping

import pytest

from sniffer.errors import UsageError
from sniffer.privileges import log_group, run_user
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
