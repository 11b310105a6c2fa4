"""Gives root and every capability up, for good. Knows users, groups and capabilities, and nothing of what they are for.

Linux keeps capabilities for each thread: this must be called before any other thread is started.
"""

from __future__ import annotations

import contextlib
import ctypes
import grp
import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sniffer.errors import SnifferError, UsageError

_NOBODY = "nobody"
NICE = -5  # of nice(1): of a contested processor it gets three quarters, if it needs that much
_LOG_GROUP = "adm"  # whose members may read the logs, where it exists
# linux/prctl.h, linux/capability.h
_PR_CAPBSET_DROP = 24
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_CAPABILITIES = 64  # more than there are

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class User:
    """Whom the process runs as after the drop."""

    name: str
    uid: int
    gid: int


def run_user(name: str | None, environ: Mapping[str, str]) -> User | None:
    """Return the user to become: the one named, else the one behind sudo, else nobody. None when not root.

    Raises UsageError.
    """
    if os.geteuid() != 0:
        if name is not None and name != name_of(os.geteuid()):
            raise UsageError(f"--user {name}: only root can become another user")
        return None
    try:
        if name is None and int(environ.get("SUDO_UID", "0")) > 0:
            entry = pwd.getpwuid(int(environ["SUDO_UID"]))
        else:
            entry = pwd.getpwnam(name or _NOBODY)
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"there is no user {name or environ.get('SUDO_UID', _NOBODY)}: name one with --user"
        ) from error
    return User(entry.pw_name, entry.pw_uid, entry.pw_gid)


def log_group(name: str | None) -> int | None:
    """Return the id of the group named, else of adm where it exists. Raises UsageError."""
    try:
        return grp.getgrnam(name or _LOG_GROUP).gr_gid
    except KeyError as error:
        if name is None:
            return None
        raise UsageError(f"--group {name}: there is no such group") from error


def go_first() -> None:
    """Have the scheduler prefer this process, unless somebody chose its niceness: a capture that falls behind loses.

    Needs CAP_SYS_NICE, as root has it; without it all stays as it is.
    """
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, 0) == 0:
            os.setpriority(os.PRIO_PROCESS, 0, NICE)
            if _has_a_session():
                Path("/proc/self/autogroup").write_text(f"{NICE}\n")


def _has_a_session() -> bool:
    """Whether the session is this process's own: it leads it, or sudo does, which made it for this process.

    Where Linux schedules sessions as groups (autogroup, sched(7)), a niceness means nothing outside of its session, and
    the session has one of its own.
    """
    leader = os.getsid(0)
    return leader == os.getpid() or (leader == os.getppid() and Path(f"/proc/{leader}/comm").read_text() == "sudo\n")


def drop(user: User | None, group: int | None = None) -> None:
    """Become ``user``, without capabilities or a way to gain any; stay in no group but its own and ``group``.

    Raises SnifferError where anything is left.
    """
    try:
        if user is not None:
            # Needs CAP_SETPCAP, so it comes first.
            for capability in range(_CAPABILITIES):
                _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
            os.setgroups([] if group is None else [group])
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
        _libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        nothing = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits
        _check(_libc.capset(header, nothing))
        left = (ctypes.c_uint32 * 6)()
        _check(_libc.capget(header, left))
    except OSError as error:
        raise SnifferError(f"cannot give up root: {error.strerror}") from error
    regained = False
    if user is not None and user.uid != 0:
        with contextlib.suppress(OSError):
            os.setresuid(0, 0, 0)
            regained = True
    if any(left) or regained:
        raise SnifferError("cannot give up root: privileges are left")


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def name_of(uid: int) -> str:
    """Return a user's name, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def how_to_capture(interpreter: str) -> str:
    """Say the three ways in which a user may capture, in one line."""
    return (
        "capturing needs a privilege, to be had in three ways: with sudo (root is given up before the first packet is "
        "read); or by giving the interpreter the one capability that is needed (sudo setcap cap_net_raw+ep "
        f"{Path(interpreter).resolve()}); or as a service (sudo systemctl start tapline-sniffer)"
    )
