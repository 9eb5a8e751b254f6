from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip, load_lifter, read_clip, write
from mpm_core.camera import Intrinsics
from mpm_core.cli import main
from mpm_core.corrections import patched
from mpm_core.formats.base import ReadOptions, WriteOptions
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.chosen import choose
from mpm_core.provenance import Step, as_rows, of_rows
from mpm_core.refiners import refine
from mpm_core.skeleton import MPM16


def texts(content):
    return [step.text for step in content.history]


def test_reading_says_from_where_and_what_was_assumed(tmp_path, demo):
    np.savez(tmp_path / "bare.npz", keypoints=demo.keypoints[:50], skeleton="mpm16")
    clip = read_clip(tmp_path / "bare.npz")
    said = texts(clip)
    assert said[0] == f"read from {tmp_path / 'bare.npz'} (mpm-viewer NPZ)"
    assert any(text.startswith("noted: the file has no frame rate") for text in said)
    assert "noted: nothing tells the camera's field of view: 47.2° along the longer side assumed" in said
    assert clip.history[0].when.startswith("20") and len(clip.history[0].time) == 16


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280)])
def test_the_field_of_view_that_is_named_is_the_one_that_was_assumed(tmp_path, demo, size):
    clip = Clip.from_arrays(demo.keypoints[:50] / 2, size, 50, camera=Intrinsics.assumed(size, 55.0))
    assert "55° along the longer side" in clip.camera_note
    write(clip, tmp_path / "clip.npz")
    assert "55° along the longer side" in read_clip(tmp_path / "clip.npz").camera_note
    known = clip.with_camera(replace(clip.camera, is_assumed=False))
    write(known, tmp_path / "known.npz")
    assert not known.camera_note and not read_clip(tmp_path / "known.npz").camera_note


def test_what_was_answered_at_reading_is_noted(tmp_path, demo):
    np.save(tmp_path / "bare.npy", demo.keypoints[:50, [0, *range(16)]])
    said = texts(read_clip(tmp_path / "bare.npy", options=ReadOptions(50, (1280, 720), 0, skeleton="h36m17")))
    assert "told: 50 frames/s; images of 1280 x 720 px; person 0" in said


def test_what_was_done_is_written_and_given_back(tmp_path, demo, lifter):
    clip = refine(Clip.from_arrays(demo.keypoints[:60], demo.image_size, 50), ("hampel",))
    write(clip, tmp_path / "clip.npz")
    again = read_clip(tmp_path / "clip.npz")
    assert texts(again)[0].startswith("cleaned: ") and texts(again)[1].startswith("read from ")
    assert again.history[0] == clip.history[0]  # with its time
    prediction = lifter.lift(again)
    assert texts(prediction)[0].startswith("lifted by mpm (mpm.safetensors, sha256 ")
    write(prediction, tmp_path / "lifted.npz", WriteOptions(clip=again))
    said = texts(read_clip(tmp_path / "lifted.npz"))
    assert said[:-1] == texts(again) + texts(prediction)


def test_an_answer_says_how_it_was_made(demo, lifter):
    clip = replace(demo.cut(0, 120), height_m=1.9)
    mask = np.zeros((len(clip), 16), bool)
    mask[:, 3] = True
    said = " | ".join(texts(lifter.lift(clip, mask, aids=Aids(mirror=False))))
    assert "mirrored" not in said and "fitted to the keypoints" in said and "6.2 % of all joints hidden" in said
    assert "sized: all metres times" in said and "grounded: joints were moved by" in said
    assert "grounded" not in " | ".join(texts(lifter.lift(clip, mask, aids=Aids(ground=False))))
    said = " | ".join(texts(lifter.complete(clip.ground_truth, mask, 50)))
    assert said.startswith("completed by mpm") and "calibrated" in said


def test_an_answer_says_how_hypotheses_were_drawn_and_what_was_taken_among_them(demo):
    clip, mask = demo.cut(0, 20), np.zeros((21, 16), bool)
    mask[5:15, MPM16.indices(("LElbow", "LWrist"))] = True
    lifter = load_lifter("d3dp", "cpu")
    answer = lifter.lift(clip, mask, samples=2, steps=2, start="uncertain", aggregate="mean", seed=4)
    said = " | ".join(texts(answer))
    for words in ("2 hypotheses in 2 steps from the first answer and how unsure it is, seed 4", "together by their mean"):
        assert words in said
    assert "follows an alternative" not in said
    rows = choose(clip, answer, 5, answer.hypotheses[1, 5:15], [MPM16.index("LWrist")], 8)
    taken = patched(clip, 5, {"chosen": rows})
    said = texts(lifter.lift(taken, mask, samples=2, steps=1))
    assert "from noise, seed 0, together by JPMA with weights" in said[0]
    assert said[-1] == "the left arm follows an alternative that was taken, in 10 frames from 6 to 15"
    said = texts(lifter.complete(taken.ground_truth, mask, samples=2, steps=1))
    assert "together by their mean" in said[0]


def test_the_command_line_notes_what_it_was_told(tmp_path, demo):
    write(Clip.from_arrays(demo.keypoints[:60], demo.image_size, 50), tmp_path / "a.npz")
    arguments = ["lift", str(tmp_path / "a.npz"), "-o", str(tmp_path / "b.npz"), "--height", "1.8", "--pitch", "10"]
    assert main([*arguments, "--refine", "savgol", "--field-of-view", "60"]) == 0
    said = " | ".join(texts(read_clip(tmp_path / "b.npz")))
    for words in ("1.80 m tall", "told: up is", "field of view of 60°", "cleaned:", "lifted by mpm"):
        assert words in said


@pytest.mark.parametrize("rows", [[["a"]], [[1, 2]], "text", 3, [["a", "b", "c"]], np.zeros((2, 2)), [["a", None]]])
def test_rows_of_another_kind_are_no_history(rows):
    assert of_rows(rows) is None


def test_rows_keep_steps():
    steps = (Step.now("read from a\nb"), Step("", "cleaned"))
    assert of_rows(as_rows(steps)) == (replace(steps[0], text="read from a b"), steps[1])
    assert of_rows(np.array(as_rows(steps)))[1] == steps[1] and of_rows([]) == ()
