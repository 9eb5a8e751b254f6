"""Kept answers in projects, without a window."""

from dataclasses import replace

import numpy as np
import pytest

from app.document.answer_commands import keep_answers, remove_answers
from app.document.answer_parts import AnswerParts
from app.document.document import Document
from app.document.predictions import keep
from app.document.project import Unpacked
from app.document.session import Session
from mpm_core.formats.project import Part, is_same, read_project, write_project
from mpm_core.lifters.aids import Aids


@pytest.fixture
def document(qapp, demo, lifter):
    session = Session()
    document = Document(session)
    document.keep(AnswerParts(session))
    document.session = session
    session.open_clip(demo.cut(0, 60))
    document.answer = lifter.lift(session.clip)
    return document


def reopened(path):
    session = Session()
    document = Document(session)
    document.keep(AnswerParts(session))
    document.open(Unpacked(read_project(path), path), path)
    return session, document


def test_kept_answers_are_unsaved_and_come_back(document, tmp_path):
    session, path = document.session, tmp_path / "walk.mpmproj"
    for name in ("b: 50 % / masked", "a"):
        keep_answers(session, [keep(name, document.answer, Aids(), session.clip)], "Keep")
    assert document.is_unsaved()
    project = document.project()
    write_project(project, path)
    document.mark_saved(path, project)
    assert not document.is_unsaved()
    again, opened = reopened(path)
    assert [answer.name for answer in again.kept.answers] == ["b: 50 % / masked", "a"] and not opened.is_unsaved()
    one, other = again.kept.answers[0], session.kept.answers[0]
    assert one.note == other.note and one.prediction.history == other.prediction.history
    for name, value in vars(other.prediction).items():
        found = getattr(one.prediction, name)
        assert is_same(found, value) if isinstance(value, np.ndarray) else found == value, name
    remove_answers(again, [one.number])
    assert opened.is_unsaved()
    again.undo_stack.undo()
    assert not opened.is_unsaved()
    assert "Keep" not in [step.text for step in document.edits]


def test_damaged_answers_are_left_out_and_said(document, qtbot, tmp_path):
    session, path = document.session, tmp_path / "walk.mpmproj"
    keep_answers(session, [keep("a", document.answer, Aids(), session.clip)], "Keep")
    project = document.project()
    part = project.parts["predictions/a"]
    short = Part(part.note, {**part.arrays, "root": part.arrays["root"][:5]})
    write_project(replace(project, parts={**project.parts, "predictions/a": short, "predictions/b": Part({})}), path)
    again, said = Session(), []
    again.warning.connect(said.append)
    other = Document(again)
    other.keep(AnswerParts(again))
    other.open(Unpacked(read_project(path), path), path)
    assert again.kept.answers == () and len(said) == 2 and all("is damaged, and left out" in text for text in said)
