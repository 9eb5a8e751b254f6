import csv

import numpy as np
import pytest

from mpm_core import UserError, write
from mpm_core.cli import main
from mpm_core.data.importing import ImportOptions, ImportReport, import_motion
from mpm_core.data.manifest import find_manifest
from mpm_core.data.pack import read_pack
from mpm_core.formats.motion.asf_amc import read_amc, read_asf
from mpm_core.formats.motion.bvh import read_bvh
from mpm_core.skeleton import H36M17, MPM16

ARM = """HIERARCHY
ROOT upper
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT lower
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    End Site
    {
      OFFSET 5 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.02
1 2 3 90 0 0 0 0 0
0 0 0 90 0 0 90 0 0
"""

ASF = """:version 1.10
:units
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
:bonedata
  begin
    name lower
    direction 1 0 0
    length 10
    axis 0 0 90 XYZ
    dof rx rz
  end
  begin
    name upper
    direction 1 0 0
    length 5
    axis 0 0 0 XYZ
  end
:hierarchy
  begin
    root lower
    lower upper
  end
"""


@pytest.fixture
def demo_bvh(tmp_path, demo):
    """The demo's true motion in a folder, as BVH of our own writing."""
    folder = tmp_path / "library" / "own"
    folder.mkdir(parents=True)
    write(demo, folder / "demo.bvh")
    return folder


def run(sources, target, **options):
    *_, report = import_motion(sources, target, ImportOptions(**options))
    assert isinstance(report, ImportReport)
    return report


def aligned_error_mm(first, second):
    """(frames, joints) after one rigid motion over all frames."""
    a, b = (p.reshape(-1, 3) - p.reshape(-1, 3).mean(0) for p in (first.astype(float), second.astype(float)))
    left, _, right = np.linalg.svd(a.T @ b)
    turn = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    return np.linalg.norm(a @ turn - b, axis=-1).reshape(first.shape[:2]) * 1000


def test_bvh_kinematics_by_hand(tmp_path):
    path = tmp_path / "arm.bvh"
    path.write_text(ARM)
    track = read_bvh(path)
    assert track.names == ("upper", "lower", "lower_end") and track.fps == pytest.approx(50)
    assert np.allclose(track.positions[0], [[1, 2, 3], [1, 12, 3], [1, 17, 3]])
    assert np.allclose(track.positions[1], [[0, 0, 0], [0, 10, 0], [-5, 10, 0]])


def test_bvh_rotations_apply_in_the_order_of_the_channels(tmp_path):
    path = tmp_path / "arm.bvh"
    path.write_text(ARM.replace("1 2 3 90 0 0 0 0 0", "0 0 0 90 90 0 0 0 0"))
    # Z then X, each about the axes already turned: x -> y -> y is the axis of nothing, so the arm points up y.
    assert np.allclose(read_bvh(path).positions[0][2], [0, 15, 0], atol=1e-9)
    text = ARM.replace("Zrotation Xrotation Yrotation", "Xrotation Zrotation Yrotation")
    path.write_text(text.replace("1 2 3 90 0 0 0 0 0", "0 0 0 90 90 0 0 0 0"))
    assert np.allclose(read_bvh(path).positions[0][2], [0, 0, 15], atol=1e-9)


def test_bvh_position_channels_of_inner_joints_replace_the_offset(tmp_path):
    path = tmp_path / "arm.bvh"
    text = ARM.replace(
        "CHANNELS 3 Zrotation Yrotation Xrotation", "CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
    )
    path.write_text(
        text.replace("1 2 3 90 0 0 0 0 0", "0 0 0 0 0 0 7 1 0 0 0 0").replace("0 0 0 90 0 0 90 0 0", "0 0 0 0 0 0 10 0 0 0 0 0")
    )
    assert np.allclose(read_bvh(path).positions[0], [[0, 0, 0], [7, 1, 0], [12, 1, 0]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: "", "does not begin with HIERARCHY"),
        (lambda text: text[: text.index("MOTION")], "MOTION is missing"),
        (lambda text: text.replace("OFFSET 10 0 0", "OFFSET 10 x 0"), "line 8: not understood"),
        (lambda text: text.replace("Zrotation Yrotation", "Wrotation Yrotation"), "not understood"),
        (lambda text: text.replace("Frames: 2", "Frames: 5"), "5 frames of 9 channels are announced"),
        (lambda text: text.replace("0.02", "0"), "a frame time of 0 s cannot be right"),
        (lambda text: text.replace("0.02", "3600"), "a frame time of 3600 s cannot be right"),
        (lambda text: text.replace("0.02", "1e-9"), "a frame time of 1e-09 s cannot be right"),
        (lambda text: text.replace("OFFSET 10 0 0", "OFFSET 10 0"), "line 8: not understood"),
        (lambda text: text.replace("OFFSET 10 0 0", "OFFSET 10 0 inf"), "line 8: not understood"),
        (lambda text: text.replace("1 2 3", "1 2 nan"), "no numbers"),
        (lambda text: text.replace("1 2 3", "1 2"), "another number of values"),
    ],
)
def test_broken_bvh_is_refused_in_one_sentence(tmp_path, change, words):
    path = tmp_path / "arm.bvh"
    path.write_text(change(ARM))
    with pytest.raises(UserError, match=words) as caught:
        read_bvh(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_asf_amc_kinematics_by_hand(tmp_path):
    asf, amc = tmp_path / "body.asf", tmp_path / "body_01.amc"
    asf.write_text(ASF)
    amc.write_text(":FULLY-SPECIFIED\n:DEGREES\n1\nroot 1 2 3 0 0 0\nlower 90 0\n2\nroot 0 0 0 0 0 90\nlower 0 90\n")
    track = read_amc(amc, read_asf(asf))
    assert track.names == ("root", "lower", "upper") and track.fps is None
    assert track.unit_m == pytest.approx(0.0254 / 0.45)
    # A turn about the bone's own x axis, which lies along the world's y, takes x to -z.
    assert np.allclose(track.positions[0], [[1, 2, 3], [1, 2, -7], [1, 2, -12]], atol=1e-9)
    assert np.allclose(track.positions[1], [[0, 0, 0], [-10, 0, 0], [-15, 0, 0]], atol=1e-9)


@pytest.mark.parametrize(
    ("asf", "amc", "words"),
    [
        (ASF.replace("length 10", "length ten"), "", "line 11: not understood as ASF"),
        (ASF.replace("length 10", "length 1e300"), "", "line 11: not understood as ASF"),
        (ASF.replace("direction 1 0 0", "direction 1 0 nan"), "", "line 10: not understood as ASF"),
        (ASF.replace("length 0.45", "length 0"), "", "line 3: not understood as ASF"),
        (ASF.replace("TX TY TZ", "TX TY QZ"), "", "line 6: not understood as ASF"),
        (ASF.replace("dof rx rz", "dof rx rx"), "", "line 13: not understood as ASF"),
        (ASF, "1\nroot 0 0 0 0 0 1e300\n", "line 2: not understood as AMC"),
        (ASF.replace("angle deg", "angle rad"), "", "only degrees"),
        (ASF.replace("lower upper", "lower hand"), "", "'hand' is not described"),
        (ASF, "1\nroot 0 0 0 0 0 0\nhand 3\n", "line 3: not understood as AMC"),
        (ASF, "1\nroot 0 0 0 0 0 0\nlower 1 2\n2\nlower 1 2\n", "frame 2 lacks the bone 'root'"),
        (ASF, ":DEGREES\n", "no frame"),
    ],
)
def test_broken_asf_amc_is_refused_in_one_sentence(tmp_path, asf, amc, words):
    (tmp_path / "a.asf").write_text(asf)
    (tmp_path / "a.amc").write_text(amc)
    with pytest.raises(UserError, match=words):
        read_amc(tmp_path / "a.amc", read_asf(tmp_path / "a.asf"))


def test_our_own_bvh_comes_back_as_the_motion_it_was(demo_bvh, demo, tmp_path):
    report = run([demo_bvh], tmp_path / "pack.npz", split="val")
    (clip,) = report.clips
    assert clip.name == "own/demo" and clip.split == "val" and 1.4 < clip.height_m < 2.0
    assert clip.notes == ("size guessed: 100 units in a metre",)
    pack = read_pack(tmp_path / "pack.npz", "val")
    assert pack.fps == 50 and abs(len(pack.positions) - len(demo)) <= 1
    assert pack.positions[:, MPM16.index("Head"), 2].min() > pack.positions[:, MPM16.index("RHip"), 2].max() - 0.6
    count = min(len(pack.positions), len(demo))
    errors = np.median(aligned_error_mm(pack.positions[:count], demo.ground_truth[:count]), axis=0)
    trunk = list(MPM16.indices(("Spine", "Thorax", "Head")))  # our rig has no such points
    assert np.delete(errors, trunk).max() < 30, dict(zip(MPM16.joints, errors.round(1), strict=True))


def test_a_guessed_unit_leaves_the_face_where_it_is(demo_bvh, tmp_path):
    """Nose and crown are given in metres from their nodes, whatever unit the file has."""
    guessed = run([demo_bvh], tmp_path / "a.npz").clips[0]
    told = run([demo_bvh], tmp_path / "b.npz", units_per_metre=100.0).clips[0]
    assert np.abs(guessed.positions - told.positions).max() < 1e-3


def test_a_manifest_gives_rate_size_split_and_bad_frames(demo_bvh, tmp_path):
    with (demo_bvh.parent / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "subject", "split", "fps", "units_per_metre", "bad_frames"])
        writer.writerow(["own/demo.bvh", "S7", "val", "25", "90", "100-120 300-399"])
    report = run([demo_bvh], tmp_path / "pack.npz")
    assert [clip.name for clip in report.clips] == ["own/demo#0", "own/demo#1", "own/demo#2"]
    assert {(clip.subject, clip.split) for clip in report.clips} == {("S7", "val")}
    assert [len(clip.positions) for clip in report.clips][:2] == [199, 357]  # 100 and 179 frames at 25 Hz
    assert not report.clips[0].notes
    (demo_bvh.parent / "manifest.csv").write_text("file,bad_frames\nown/demo.bvh,12-x\n")
    with pytest.raises(UserError, match="line 2: '12-x' is no range"):
        find_manifest(demo_bvh)


def test_left_and_right_swapped_are_noticed(demo_bvh, tmp_path):
    path = demo_bvh / "demo.bvh"
    text = path.read_text()
    path.write_text(text.replace("Left", "#").replace("Right", "Left").replace("#", "Right"))
    (clip,) = run([path], tmp_path / "pack.npz").clips
    assert "left and right look swapped" in clip.notes


def test_jumps_are_cut_out_and_reported(demo_bvh, tmp_path):
    path = demo_bvh / "demo.bvh"
    head, motion = path.read_text().split("MOTION")
    lines = motion.splitlines()
    arm = head[: head.index("LeftArm")].split().count("CHANNELS")
    row = lines[300].split()
    row[3 * (arm + 1)] = str(float(row[3 * (arm + 1)]) + 170)  # the arm flies round for one frame
    lines[300] = " ".join(row)
    path.write_text(head + "MOTION" + "\n".join(lines))
    report = run([path], tmp_path / "pack.npz")
    assert len(report.clips) == 2 and any("joints jump" in why for _, why in report.dropped)


def test_what_cannot_be_used_is_reported_and_the_rest_goes_on(demo_bvh, tmp_path, capsys):
    (demo_bvh / "broken.bvh").write_text("HIERARCHY\n")
    (demo_bvh / "strange.bvh").write_text(ARM)
    (demo_bvh / "lonely.amc").write_text("1\n")
    assert main(["data", "import", str(demo_bvh), "-o", str(tmp_path / "pack.npz")]) == 0
    said = capsys.readouterr().out
    assert "| own | 1 |" in said and "size guessed" in said
    for words in ("own/broken: the line MOTION is missing", "unknown naming (upper, lower", "no .asf skeleton beside it"):
        assert words in said
    (demo_bvh / "demo.bvh").unlink()
    with pytest.raises(UserError, match="no usable motion"):
        run([demo_bvh], tmp_path / "none.npz")
    assert not (tmp_path / "none.npz").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no motion files here"):
        run([tmp_path / "empty"], tmp_path / "pack.npz")


def test_real_files_of_every_family_agree_with_the_pack_made_elsewhere(shared, tmp_path):
    folder, other = shared / "data" / "mocap" / "val", shared / "data" / "mocap_h36m17_50hz.npz"
    report = run([folder], tmp_path / "pack.npz")
    assert {clip.name.partition("/")[0] for clip in report.clips} == {"asfamc", "cc", "cmu39", "daz", "deepmimic", "reactidle"}
    with np.load(other) as arrays:
        names = [str(name) for name in arrays["clip_name"]]
        starts, positions = arrays["clip_start"], arrays["positions"]
    errors = []
    for clip in report.clips:
        if clip.name in names:
            number = names.index(clip.name)
            theirs = positions[starts[number] : starts[number + 1]]
            if abs(len(theirs) - len(clip.positions)) <= 1:
                count = min(len(theirs), len(clip.positions))
                errors.append(aligned_error_mm(clip.positions[:count], theirs[:count]))
    assert len(errors) > 0.8 * len(report.clips)
    medians = np.median(np.concatenate(errors), axis=0)
    assert medians.max() < 30, dict(zip(H36M17.joints, medians.round(1), strict=True))
