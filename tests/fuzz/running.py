"""Owns running cases: each is known by its target and number, from which all that is random in it follows."""

from __future__ import annotations

import shutil
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fuzz.mutations import mutate
from tests.fuzz.targets import ALLOWED, Target, check_sentence

_SLOW_S = 10.0  # of the processor's time, for files of a few kilobytes


@dataclass(frozen=True)
class Fault:
    """What went wrong with a case, for people."""

    target: str
    number: int
    text: str

    @property
    def again(self) -> str:
        """How to run this case alone."""
        return f"python -m tests.fuzz --target {self.target} --case {self.number}"


class Cases:
    """The cases of one target."""

    def __init__(self, name: str, target: Target) -> None:
        self.name, self._target = name, target
        with TemporaryDirectory(prefix="mpm-fuzz-") as folder:
            path = target.make(Path(folder))
            self._entry = path.relative_to(folder)
            self._files = {p.relative_to(folder): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}

    def run(self, number: int, kept: Path | None = None) -> Fault | None:
        """One case; the files of one that has a fault are put into a folder of `kept`, with a text that says what it was."""
        rng = Random(f"{self.name}:{number}")
        with TemporaryDirectory(prefix="mpm-fuzz-") as name:
            folder = Path(name)
            self._damage(rng, folder)
            text = self._judge(folder / self._entry, rng)
            if not text:
                return None
            fault = Fault(self.name, number, text)
            if kept is not None:
                place = kept / f"{self.name}-{number}"
                shutil.rmtree(place, ignore_errors=True)
                shutil.copytree(folder, place)
                (place / "fault.txt").write_text(f"{text}\n\nAgain: {fault.again}\n")
            return fault

    def _damage(self, rng: Random, folder: Path) -> None:
        choices = [path for path in self._files if path.name not in self._target.spared]
        chosen = rng.choice(choices)
        for path, content in self._files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(mutate(rng, path.name, content) if path == chosen else content)

    def _judge(self, path: Path, rng: Random) -> str:
        """What is wrong; nothing where the file was read or refused as it should be."""
        begun = time.process_time()
        try:
            try:
                self._target.read(path, rng)
            except ALLOWED as error:
                check_sentence(error, path)
        except Exception:
            return traceback.format_exc()
        spent = time.process_time() - begun
        return f"took {spent:.1f} s" if spent > _SLOW_S else ""
