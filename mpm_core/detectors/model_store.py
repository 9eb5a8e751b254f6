"""Owns where the model files of the 2D detectors lie, checking them, and fetching those that are not there."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from mpm_core.detectors.model_checks import UnreachableError, UnusableError, check_structure
from mpm_core.detectors.model_files import MODELS, ModelFile
from mpm_core.detectors.model_sources import Source
from mpm_core.detectors.model_transfers import transfer_file
from mpm_core.errors import UserError
from mpm_core.progress import Progress

_log = logging.getLogger("mpm")

FOLDER_VARIABLE = "MPM_MODEL_DIR"

_POLL_S = 0.2


@dataclass(frozen=True)
class ModelRecord:
    """A model file as a list shows it: where it lies and its size in bytes, both None when it is not here. is_known: whether
    its SHA-256 is that of a published one."""

    name: str
    label: str
    licence: str
    path: Path | None
    size: int | None
    is_known: bool


def model_folder() -> Path:
    """The folder that fetched models go to, in the user's cache; it need not exist yet."""
    from platformdirs import user_cache_path  # training needs none

    return user_cache_path("mpm-viewer") / "models"


def find_model(name: str) -> Path | None:
    """Where a model file lies, in the folder that MPM_MODEL_DIR names or else in the cache; None when in neither.

    Uses no network and does not look into the file. UserError for an unknown name.
    """
    file_name = _model(name).file_name
    return next((folder / file_name for folder in _folders() if (folder / file_name).is_file()), None)


def fetch_model(name: str) -> Generator[Progress | Path, None, None]:
    """Yields Progress in bytes and at last the path of a model file, which is downloaded when it is not here yet.

    Closing it cancels, within a second: the file appears whole or not at all. A file that is here is checked by its SHA-256
    as a download is; one that is not known is used as it is, and a warning says so. UserError for an unknown name, when a
    file that is here is broken, when no source has it (which says what to put where), or when it cannot be written.
    """
    model = _model(name)
    found = find_model(name)
    if found is None:
        found = model_folder() / model.file_name
        yield from _fetch(model, found)
    else:
        check_found(name, found)
    yield found


def check_found(name: str, path: Path) -> bool:
    """Whether a file is the published model of that name; a warning says that it is not, and UserError that it is broken."""
    model = _model(name)
    try:
        is_known = _digest_of(path) in model.sha256
        if not is_known:
            check_structure(path, model.smallest, model.largest)
    except UnusableError as error:
        raise UserError(f"{path}: not the expected model file ({error}): delete it, so that it is fetched anew") from error
    if not is_known:
        _log.warning(
            "%s: unknown, not a file that was published as %s, so it may be damaged; it is used as it is", path, model.label
        )
    return is_known


def describe_models() -> list[ModelRecord]:
    """All model files, those that are here and those that are not."""
    records = []
    for model in MODELS.values():
        path = find_model(model.name)
        size = None if path is None else path.stat().st_size
        is_known = path is not None and _digest_of(path) in model.sha256
        records.append(ModelRecord(model.name, model.label, model.licence, path, size, is_known))
    return records


def _digest_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits; UserError when it cannot be read."""
    from pooch import file_hash

    try:
        return file_hash(str(path))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error


def _model(name: str) -> ModelFile:
    if name not in MODELS:
        raise UserError(f"unknown model '{name}' (known: {', '.join(MODELS)})")
    return MODELS[name]


def _folders() -> tuple[Path, ...]:
    named = os.environ.get(FOLDER_VARIABLE, "")
    return (Path(named).expanduser(), model_folder()) if named else (model_folder(),)


def _fetch(model: ModelFile, target: Path) -> Iterator[Progress]:
    """Fetch a model file, or wait for another program that is at it: fetching it twice would take twice as long."""
    from filelock import FileLock, Timeout

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(target.name + ".lock"), thread_local=False)
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                yield Progress(0, model.smallest, "another program is fetching it")
                time.sleep(_POLL_S)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror or error})") from error
    try:
        if not target.is_file():
            yield from _fetch_from_any(model, target)
    finally:
        lock.release()


def _fetch_from_any(model: ModelFile, target: Path) -> Iterator[Progress]:
    """Try the sources one after the other until one gives a genuine file."""
    failures: dict[str, str] = {}
    unreachable: set[str] = set()
    for source in model.sources:
        if source.host in unreachable:
            continue
        try:
            yield from _fetch_from(source, model, target)
            return
        except UnusableError as error:
            if isinstance(error, UnreachableError):
                unreachable.add(source.host)
            failures[source.host] = f"{source.host}: {error}"
    raise UserError(
        f"{model.file_name} could not be fetched ({'; '.join(failures.values())}): {model.by_hand}, and put it into"
        f" {target.parent} or into a folder that the environment variable {FOLDER_VARIABLE} names"
    )


def _fetch_from(source: Source, model: ModelFile, target: Path) -> Iterator[Progress]:
    """Fetch a model file in a folder of its own, which a later run empties when this one is killed."""
    folder = target.with_name(f".{target.name}.partial")
    shutil.rmtree(folder, ignore_errors=True)
    fetched, made = folder / "fetched", folder / target.name
    try:
        yield from transfer_file(source.url, fetched, source.sha256, model.smallest, model.largest, source.fetch)
        if source.unpack is None:
            made.touch()
            fetched.chmod(made.stat().st_mode)  # pooch begins it as a file that nobody else may read
            fetched.replace(made)
        else:
            source.unpack(fetched, made)
            if _digest_of(made) not in model.sha256:
                raise UnusableError("its SHA-256 is not that of the published model")
        made.replace(target)
    except OSError as error:
        raise UserError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
