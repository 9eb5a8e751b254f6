"""Files that were opened lately: what they are, and when that was."""

from datetime import datetime, timedelta

from PySide6.QtCore import QSettings

from app.document.recent import Recent, said


def test_recent_files_say_what_they_are_and_when(qapp, tmp_path):
    settings = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    settings.setValue("recent_files", [str(tmp_path / "old.csv")])
    recent = Recent(settings)
    names = ["old.csv", "walk.mp4", "walk.json", "walk.mpmproj"]
    for name in names:
        (tmp_path / name).touch()
    assert [(file.path.name, file.when) for file in recent.files()] == [("old.csv", None)]
    for name in names[1:]:
        recent.remember(tmp_path / name)
    assert [(f.path.name, f.kind) for f in Recent(settings).files()] == [
        ("walk.mpmproj", "project"), ("walk.json", "clip"), ("walk.mp4", "video"), ("old.csv", "clip")
    ]  # fmt: skip
    recent.remember(tmp_path / "walk.mp4")
    (tmp_path / "walk.json").unlink()
    assert [f.path.name for f in recent.files()] == ["walk.mp4", "walk.mpmproj", "old.csv"]


def test_times_are_said_as_people_say_them():
    now = datetime(2026, 11, 26, 14, 32).astimezone()
    days = {0: "today 14:32", 1: "yesterday 14:32", 3: "Monday 14:32", 30: "27 October", 400: "22 October 2025"}
    assert {n: said(now - timedelta(days=n), now) for n in days} == days
