"""Opening files, the modes of new ones, and putting things on the disk for good.

Only regular files are opened, and no link is followed: whatever took the place of a file of ours is refused at once,
instead of being written into or waited for.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

HIGH_FD = 700  # out of the way of user code that closes "all" descriptors and opens its own
NEW_FILE, NEW_FOLDER = 0o666, 0o777  # before the umask
UMASK = re.compile(rb"^Umask:\s*([0-7]+)$", re.MULTILINE)
KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


# --- opening -----------------------------------------------------------------------------------------------------


def open_regular(path: Path | str, flags: int, umask: int | None = None) -> int:
    """A descriptor of a regular file, no link followed and no device or pipe waited for; raises OSError.

    With O_CREAT a file that is not there is made: its mode follows `umask`, or that of the process.
    """
    wanted = flags | os.O_CLOEXEC | os.O_NOFOLLOW
    if flags & os.O_CREAT:
        try:
            fd = os.open(path, wanted | os.O_EXCL, NEW_FILE)
        except FileExistsError:
            if flags & os.O_EXCL:
                refuse_irregular(Path(path))
                raise
            wanted &= ~os.O_CREAT
        else:
            settle_mode(fd, os.path.dirname(path), umask)
            return fd
    try:
        fd = os.open(path, wanted | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO, errno.ENODEV):
            raise irregular(path) from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise irregular(path)
        os.set_blocking(fd, True)
    except OSError:
        os.close(fd)
        raise
    return fd


def settle_mode(fd: int, folder: Path | str, umask: int | None) -> None:
    """Give a file just made in a folder the mode that follows `umask`; None for that of the process, which it has."""
    if umask is not None and (mode := _corrected(os.fstat(fd), NEW_FILE, umask, folder)) is not None:
        with suppress(OSError):  # a file system without modes
            os.fchmod(fd, mode)


def read_regular(path: Path, limit: int = -1) -> bytes:
    """The bytes of a regular file, at most `limit` of them; raises OSError."""
    fd = open_regular(path, os.O_RDONLY)
    with os.fdopen(fd, "rb") as file:
        return file.read(limit)


def read_end(path: Path, most: int) -> bytes:
    """The last bytes of a regular file, at most so many, from the beginning of a line on; raises OSError."""
    with os.fdopen(open_regular(path, os.O_RDONLY), "rb") as file:
        before = max(0, file.seek(0, os.SEEK_END) - most)
        file.seek(max(0, before - 1))
        text = file.read(most + 1)
    return text.partition(b"\n")[2] if before else text


def irregular(path: Path | str) -> OSError:
    """The error that something has the name of a file, and is none."""
    return OSError(errno.EINVAL, f"{_kind(path)}, not a regular file", str(path))


def not_a_folder(path: Path | str) -> OSError:
    """The error that something has the name of a folder, and is none."""
    return NotADirectoryError(errno.ENOTDIR, f"{_kind(path)}, not a directory", str(path))


def _kind(path: Path | str) -> str:
    try:
        return KINDS.get(stat.S_IFMT(os.lstat(path).st_mode), "something else")
    except OSError:
        return "something else"


def make_folder(path: Path | str, umask: int | None = None) -> bool:
    """Make a folder unless it is there; whether this made it. Its mode follows `umask`, or that of the process.

    Raises OSError, also for a link or anything else that has its name.
    """
    try:
        os.mkdir(path, NEW_FOLDER)
    except FileExistsError:
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise not_a_folder(path) from None
        return False
    if umask is not None and (mode := _corrected(os.lstat(path), NEW_FOLDER, umask, path)) is not None:
        with suppress(OSError):  # a file system without modes
            os.chmod(path, mode)
    return True


def _corrected(made: os.stat_result, asked: int, umask: int, folder: Path | str) -> int | None:
    """The mode that what was just made should have, None if it has it: user code may have changed the umask since.

    setgid stays, which hands a group's folder on; and an access control list counts instead of the umask.
    """
    wanted = asked & ~umask
    if made.st_mode & 0o777 == wanted or _has_default_list(folder):
        return None
    return made.st_mode & 0o7000 | wanted


def umask_now() -> int:
    """The umask of this process, which the standard library can only tell by changing it."""
    try:
        with open("/proc/self/status", "rb") as status:
            found = UMASK.search(status.read())
        if found:
            return int(found[1], 8)
    except OSError:  # not Linux
        pass
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _has_default_list(folder: Path | str) -> bool:
    """Whether an access control list decides the modes in a folder, as it does instead of the umask."""
    try:
        return bool(os.getxattr(folder or ".", "system.posix_acl_default"))
    except (OSError, AttributeError):  # none, or a system that does not have them
        return False


# --- removing ----------------------------------------------------------------------------------------------------


def refuse_irregular(path: Path) -> bool:
    """Whether a regular file is there; raises OSError if anything else has its name."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(found.st_mode):
        raise irregular(path)
    return True


def remove(path: Path) -> None:
    """Remove a regular file if it is there; anything else that has its name stays. Raises OSError."""
    with suppress(FileNotFoundError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            path.unlink()


# --- what is on the disk -----------------------------------------------------------------------------------------


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable; raises OSError."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_data(fd: int) -> None:
    """Put a file's bytes on the disk; raises OSError. (macOS has fsync only.)"""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


# --- descriptors -------------------------------------------------------------------------------------------------


def high(low: int) -> int:
    """The descriptor moved out of the way of user code that closes or reuses low ones, and closed on exec."""
    for least in (HIGH_FD, 3):  # where RLIMIT_NOFILE is small, at least no standard stream
        try:
            fd = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, least)
        except OSError:
            continue
        os.close(low)
        return fd
    os.set_inheritable(low, False)
    return low


def is_absent(path: Path) -> bool:
    """Whether nothing has this name, for sure."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def is_at(path: Path, fd: int) -> bool:
    """Whether an open file is still the one of this name."""
    try:
        return os.path.samestat(os.lstat(path), os.fstat(fd))
    except OSError:
        return False
