"""Owns writing files so that a failed or cancelled write leaves the old file as it was."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mpm_core.errors import UserError

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mts", ".m2ts", ".ts", ".mpg", ".mpeg", ".vob", ".wmv", ".asf", ".3gp",
    ".3g2", ".flv", ".ogv", ".mxf", ".dv", ".h264", ".264", ".h265", ".265", ".hevc",
)  # fmt: skip
"""Endings of files that hold a video."""

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What zipfile raises for a file that is cut, damaged, encrypted or packed in an unknown way."""

_LONGEST_NAME_BYTES = 255

_begun: set[Path] = set()
"""What this process has begun to write, and not ended."""


def drop_begun() -> None:
    """Delete what this process has begun to write, for one that ends at once and cannot wait for its blocks to end."""
    for partial in list(_begun):
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def drop_partial(target: Path) -> None:
    """Delete what a killed process has left of a file, if no other program is at it."""
    with suppress(OSError, ValueError):
        place = Path(os.path.realpath(target))
        partial = place.with_name(_name_beside(place.name))
        handle = os.open(partial, os.O_RDWR)
        try:
            if sys.platform != "win32" and _lock(handle):
                partial.unlink(missing_ok=True)
        finally:
            os.close(handle)
        if sys.platform == "win32":  # which deletes no file that is open
            partial.unlink(missing_ok=True)


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """A path to write to, which takes the target's name when the block ends well and is gone when it does not.

    It lies beside the target under the target's name, so that what a killed program has left there is written over by the
    next one. A link stays a link, to the file that is written; a file that is there keeps its mode. UserError when the target
    cannot be written to, or another program is at it.
    """
    try:
        place = Path(os.path.realpath(target))
        old = place.stat() if place.exists() else None
        if old is not None and not stat.S_ISREG(old.st_mode):
            raise UserError(f"{target}: cannot be written ({'it is a folder' if place.is_dir() else 'it is no ordinary file'})")
        if old is not None and not os.access(place, os.W_OK):
            raise UserError(f"{target}: cannot be written (it is protected)")
        partial = place.with_name(_name_beside(place.name))
        handle = _claimed(partial, target)
        _begun.add(partial)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
    except ValueError as error:  # a zero byte in its name
        raise UserError(f"{str(target)!r}: no file can have this name") from error
    try:
        yield partial
        if old is not None:
            partial.chmod(stat.S_IMODE(old.st_mode))
        if old is not None and old.st_nlink > 1:
            _write_over(place, partial, target)  # all names of the file go on naming the same one
        else:
            partial.replace(place)
            _begun.discard(partial)  # from now on this name may be another program's
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        if partial in _begun:
            partial.unlink(missing_ok=True)
            _begun.discard(partial)
        os.close(handle)


def _write_over(place: Path, partial: Path, target: Path) -> None:
    """The content of a file into another one, of which nothing is left from then on; what is written is kept until it is whole
    there, whatever ends the program meanwhile. UserError, which says where it is kept."""
    _begun.discard(partial)
    try:
        shutil.copyfile(partial, place)
    except OSError as error:
        raise UserError(
            f"{target}: cannot be written ({error.strerror}); it has several names, so that the file is incomplete now: what"
            f" was to be written is in {partial}"
        ) from error
    partial.unlink()


@contextmanager
def folder_of_begun(place: Path) -> Iterator[Path]:
    """A folder in which files of a folder (or of one that is yet to be made) are begun, and which is gone when the block ends;
    OSError when it cannot be made."""
    folder = place if place.is_dir() else place.parent
    beside = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".partial", dir=folder))
    _begun.add(beside)
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        _begun.discard(beside)


def check_spares(targets: Iterable[Path], sources: Iterable[Path]) -> None:
    """UserError when a file would be written over one that is read, under whatever name."""
    read = {mark for source in sources for mark in _marks(source)}
    for target in targets:
        if not read.isdisjoint(_marks(target)):
            raise UserError(f"{target}: is an input, so it is not written over; give the output another name or folder")


def _marks(path: Path) -> set[tuple[int, int] | Path]:
    """What two names of the same file have in common: the place on the disk, or else the whole path."""
    try:
        found = path.stat()
        if found.st_ino:  # some network drives number nothing
            return {(found.st_dev, found.st_ino)}
    except (OSError, ValueError):  # it is not there, or has a name that no file can have
        pass
    return {path.absolute()}


def _name_beside(name: str) -> str:
    """The name under which a file of this name is begun; short enough where the name itself is."""
    beside = f".{name}.partial"
    if len(os.fsencode(beside)) <= _LONGEST_NAME_BYTES:
        return beside
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    return f".{name[:40]}.{digest}.partial"


def _claimed(partial: Path, target: Path) -> int:
    """The file, open and empty, and locked until it is closed; UserError when another program has it."""
    while True:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _lock(handle):
                raise UserError(f"{target}: cannot be written (another program is writing it)")
            # Whoever had it before may just have given it the target's name.
            if partial.exists() and os.path.samestat(os.fstat(handle), partial.stat()):
                os.truncate(partial, 0)
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock an open file; False when another has it. True where a folder, or the system, knows no such locks."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def open_zip(path: Path, otherwise: str) -> zipfile.ZipFile:
    """A zip file to be read; UserError when it cannot be, which says `otherwise` of one that is none."""
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (*ZIP_ERRORS, ValueError):
        raise UserError(f"{path}: {otherwise}") from None
