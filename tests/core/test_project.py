import json
import shutil
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from mpm_core import Clip, read_clip
from mpm_core.cli import main
from mpm_core.errors import UserError
from mpm_core.formats.project import Part, Project, is_project, is_same, read_project, write_project
from mpm_core.formats.saved import read_saved
from mpm_core.provenance import Step
from mpm_core.skeleton import MPM16

WRIST = MPM16.index("LWrist")


@pytest.fixture
def project(tmp_path, demo):
    source = tmp_path / "takes" / "walk.json"
    source.parent.mkdir()
    source.touch()
    clip = replace(
        demo.cut(100, 180), source=str(source), notes=("30 frames/s assumed",), up=(0.0, -0.9, -0.4), height_m=1.83,
        history=(Step.now("read from walk.json"),),
    )  # fmt: skip
    points, visible = clip.keypoints.copy(), clip.visible.copy()
    points[3, 5], visible[3, 5] = (12.5, -3.25), False  # kept, though nobody is shown it
    clip = replace(clip, keypoints=points, visible=visible, edited=np.eye(len(clip), 16, dtype=bool))
    mask, flags = np.zeros((len(clip), 16), bool), np.zeros(len(clip), bool)
    mask[10:20, WRIST], flags[7] = True, True
    keys = Part({"interpolation": "pchip"}, {"frames": np.array([3, 9]), "count": np.array(2)})
    kept = Part({"lifter": "mpm"}, {"positions": np.full((3, 16, 3), np.nan, np.float32)})
    return Project(
        clip, mask, flags, 0.25, {"video": tmp_path / "takes" / "walk.mp4"}, {"keys": keys, "predictions/a/b: 50 %": kept}
    )


def written(project, path):
    write_project(project, path)
    return read_project(path)


def test_a_project_comes_back_as_it_was(tmp_path, project):
    again = written(project, tmp_path / "walk.mpmproj")
    for entry in fields(Clip):
        one, other = getattr(project.clip, entry.name), getattr(again.clip, entry.name)
        assert is_same(one, other) if isinstance(one, np.ndarray) else one == other, entry.name
    assert is_same(again.mask, project.mask) and is_same(again.flags, project.flags) and again.threshold == 0.25
    assert again.links["video"] == tmp_path / "takes" / "walk.mp4" and again.saved.startswith("20")
    assert set(again.parts) == {"keys", "predictions/a/b: 50 %"}
    assert all(part.equals(project.parts[name]) for name, part in again.parts.items())


def test_everything_can_be_moved_together(tmp_path, project):
    (tmp_path / "work").mkdir()
    write_project(project, tmp_path / "work" / "walk.mpmproj")
    with zipfile.ZipFile(tmp_path / "work" / "walk.mpmproj") as archive:
        assert json.loads(archive.read("project.json"))["links"]["video"] == "../takes/walk.mp4"
        assert not any(str(tmp_path).encode() in archive.read(name) for name in archive.namelist() if name.endswith("json"))
    (tmp_path / "elsewhere").mkdir()
    for name in ("work", "takes"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    again = read_project(tmp_path / "elsewhere" / "work" / "walk.mpmproj")
    assert again.links["video"] == tmp_path / "elsewhere" / "takes" / "walk.mp4"
    assert again.clip.source == str(tmp_path / "elsewhere" / "takes" / "walk.json") and again.clip.name == "walk.json"


def test_selections_and_cameras_stay_what_they_are(tmp_path, project):
    for source in (f"{project.clip.source} [S9/Walking/0]", "camera 0", ""):
        assert (
            written(replace(project, clip=replace(project.clip, source=source)), tmp_path / "a.mpmproj").clip.source == source
        )


def test_3d_alone_is_kept(tmp_path, demo):
    clip = Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth[:20])
    again = written(Project(clip, np.zeros((20, 16), bool), np.zeros(20, bool)), tmp_path / "a.mpmproj")
    assert again.clip.keypoints is None and is_same(again.clip.ground_truth, clip.ground_truth)


def test_a_newer_project_is_refused_in_a_sentence(tmp_path, project):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    rewrite(path, lambda name, data: data.replace(b'"version": 1', b'"version": 7') if name == "project.json" else data)
    with pytest.raises(
        UserError, match=r"newer mpm-viewer \(.* version 7, and this mpm-viewer reads versions up to 2\): install the newer"
    ):
        read_project(path)


def test_alternatives_that_were_taken_are_kept_and_need_a_version_that_knows_them(tmp_path, project):
    path = tmp_path / "walk.mpmproj"

    def version():
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("project.json"))["version"]

    write_project(project, path)
    assert version() == 1  # what older ones know wholly, they may open
    chosen = np.zeros((*project.mask.shape, 4), np.float32)
    chosen[10:20, WRIST] = (0.1, 0.2, -0.1, 1.0)
    taken = replace(project, clip=replace(project.clip, chosen=chosen))
    assert is_same(written(taken, path).clip.chosen, chosen) and version() == 2
    for wrong in (2.0, -1.0, np.nan):
        write_project(replace(taken, clip=replace(taken.clip, chosen=np.where(chosen == 1, np.float32(wrong), chosen))), path)
        with pytest.raises(UserError, match="is damaged, its clip cannot be read"):
            read_project(path)


def rewrite(path, change):
    """Write a zip anew with other members; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: change(name, archive.read(name)) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if data is not None:
                archive.writestr(name, data)


@pytest.mark.parametrize("member", ["project.json", "clip.json", "clip.npz", "work.json", "work.npz"])
@pytest.mark.parametrize("damage", ["gone", "cut", "other"])
def test_damaged_members_are_one_sentence(tmp_path, project, member, damage):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    new = {"gone": lambda data: None, "cut": lambda data: data[: len(data) // 2], "other": lambda data: b"[1, 2]"}[damage]
    rewrite(path, lambda name, data: new(data) if name == member else data)
    with pytest.raises(UserError) as caught:
        read_project(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_any_flipped_byte_is_read_or_refused(tmp_path, project):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    for place in rng.integers(0, len(data), 60):
        broken = bytearray(data)
        broken[place] ^= int(rng.integers(1, 256))
        path.write_bytes(broken)
        try:
            read_project(path)
        except UserError as error:
            assert "\n" not in str(error)


def test_what_unpacks_to_too_much_is_not_read(tmp_path, project):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    inner = tmp_path / "bomb.npz"
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w", force_zip64=True) as file:
        for _ in range(600):
            file.write(bytes(1_000_000))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inner, "bomb.npz")
        archive.writestr("bomb.json", "{}")
    with pytest.raises(UserError, match="would unpack to more than"):
        read_project(path)


def test_nothing_pickled_is_read(tmp_path, project):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    np.savez(tmp_path / "evil.npz", a=np.array([{"a": 1}], object))
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(tmp_path / "evil.npz", "evil.npz")
        archive.writestr("evil.json", "{}")
    with pytest.raises(UserError, match=r"'evil\.npz' is damaged"):
        read_project(path)


def test_a_project_that_cannot_be_written_leaves_the_old_one(tmp_path, project):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    before = path.read_bytes()
    bad = replace(project, parts={"keys": Part({"a": float("nan")})})
    with pytest.raises(ValueError):
        write_project(bad, path)
    assert path.read_bytes() == before and [p.name for p in (tmp_path / "takes").iterdir()] == ["walk.json"]
    with pytest.raises(UserError, match="cannot be written"):
        write_project(project, tmp_path / "nowhere" / "walk.mpmproj")


def test_other_files_are_no_projects(tmp_path, demo):
    np.savez(tmp_path / "a.npz", keypoints=demo.keypoints)
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "c.mpmproj").write_text("{}")
    assert [is_project(tmp_path / name) for name in ("a.npz", "b.json", "c.mpmproj")] == [False, False, True]
    with pytest.raises(UserError, match=r"c\.mpmproj: is damaged, or no project"):
        read_project(tmp_path / "c.mpmproj")


def test_the_command_line_reads_projects(tmp_path, project, caplog):
    path = tmp_path / "walk.mpmproj"
    write_project(project, path)
    clip = read_clip(path)
    assert is_same(clip.keypoints, project.clip.keypoints) and clip.history[1].text.startswith(f"read from {path} (mpm-viewer")
    mask, threshold = read_saved(path, len(clip))
    assert is_same(mask, project.mask) and threshold == 0.25
    assert main(["convert", str(path), "-o", str(tmp_path / "walk.csv")]) == 0
    assert main(["lift", str(path), "-o", str(tmp_path / "walk.npz"), "--no-mirror", "--no-fit"]) == 0
    with np.load(tmp_path / "walk.npz") as lifted:
        assert lifted["hidden"][10:20, WRIST].all() and lifted["hidden"][3, 5] and lifted["hidden"].sum() < 40
    assert main(["convert", str(path), "-o", str(tmp_path / "slow.npz"), "--fps", "10"]) == 0
    assert np.allclose(np.diff(read_clip(tmp_path / "slow.npz").times), 0.1)
