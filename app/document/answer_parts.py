"""What a project keeps of the kept answers: a part `predictions/NAME` each."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from app.document.predictions import KeptAnswer
from app.document.session import Session
from mpm_core.errors import UserError
from mpm_core.formats.project import Part
from mpm_core.formats.project_answer import answer_from, answer_parts

_FOLDER = "predictions/"


class AnswerParts:
    """See Kept. Parts are made once for each answer, so that saving again does not pack it again."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._made: WeakKeyDictionary[KeptAnswer, Part] = WeakKeyDictionary()

    def owns(self, name: str) -> bool:
        """See Kept."""
        return name.startswith(_FOLDER)

    def parts(self) -> Mapping[str, Part]:
        """See Kept."""
        answers = self._session.kept.answers
        return {f"{_FOLDER}{answer.name}": self._part_of(answer, place) for place, answer in enumerate(answers)}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """See Kept."""
        found = []
        for name, part in parts.items():
            if self.owns(name):
                try:
                    answer = answer_from(part.note["answer"], part.arrays, len(self._session), name)
                    note = {str(key): str(value) for key, value in part.note["note"].items()}
                    found.append((part.note["place"], KeptAnswer(name.removeprefix(_FOLDER), answer, note)))
                except (UserError, LookupError, AttributeError):
                    self._session.warning.emit(f"{name}: is damaged, and left out")
        self._session.kept.set_answers(answer for _, answer in sorted(found, key=lambda pair: str(pair[0]).zfill(9)))

    def _part_of(self, answer: KeptAnswer, place: int) -> Part:
        part = self._made.get(answer)
        if part is None or part.note["place"] != place:
            said, arrays = answer_parts(answer.prediction)
            part = self._made[answer] = Part({"place": place, "note": dict(answer.note), "answer": said}, arrays)
        return part
