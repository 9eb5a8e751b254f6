"""Damaged packs, caches, weights, manifests, cameras and names: one sentence each, and nothing else is lost by them."""

import json
import logging
from random import Random

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from mpm_core import UserError, read_clip
from mpm_core.cli import main
from mpm_core.data.importing import ImportOptions, import_motion
from mpm_core.data.manifest import find_manifest
from mpm_core.data.pack import read_pack
from mpm_core.training.checkpoint import load_weights
from tests.fuzz import samples, targets


def changed(path, **arrays):
    """An npz with some arrays replaced, None for one taken out."""
    with np.load(path) as file:
        old = {name: file[name] for name in file.files}
    np.savez(path, **{name: value for name, value in (old | arrays).items() if value is not None})


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"clip_start": np.zeros(0, int)}, "'clip_start' must be whole numbers"),
        ({"clip_start": np.array([0.0, 20, 50, 75])}, "'clip_start' must be whole numbers"),
        ({"clip_start": np.array([0, 50, 20, 75])}, "'clip_start' must rise"),
        ({"clip_start": np.array([3, 20, 50, 75])}, "'clip_start' must be whole numbers from 0"),
        ({"clip_name": np.array(["a/1"])}, "'clip_name' must be a text for each of 3 clips"),
        ({"clip_subject": np.zeros(3)}, "'clip_subject' must be a text"),
        ({"clip_split": np.array([["train"] * 3])}, "'clip_split' must be a text"),
        ({"clip_split": np.array(["x", "y", "z"])}, "no clip of the split 'train'"),
        ({"positions": np.full((75, 17, 3), np.nan, np.float32)}, "what is no number"),
        ({"positions": np.full((75, 17, 3), 1e9, np.float32)}, "farther than 10000 m away"),
        ({"positions": np.full((75, 17, 3), "x")}, "must be numbers"),
        ({"positions": np.zeros((75, 16, 3), np.float32)}, r"must be \(frames, 17, 3\)"),
        ({"fps": np.array([50.0, 50.0])}, "the frame rate must be a positive number"),
        ({"fps": np.array(np.inf)}, "the frame rate must be a positive number"),
        ({"fps": None}, "the array 'fps' is missing"),
    ],
)
def test_packs(tmp_path, arrays, words):
    path = samples.pack(tmp_path)
    changed(path, **arrays)
    with pytest.raises(UserError, match=words) as error:
        read_pack(path, "train")
    targets.check_sentence(error.value, path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"times": np.zeros(12)},
        {"times": np.array(0.0)},
        {"times": np.arange(11) / 30},
        {"looks": np.array(np.inf)},
        {"looks": np.array(10**12)},
        {"look": np.array([0.0] * 12)},
        {"look": np.full(12, 99)},
        {"points": np.zeros((12, 3, 2), np.float32)},
        {"points": np.full((12, 33, 2), np.inf, np.float32)},
        {"scores": np.zeros((3, 33), np.float32)},
        {"is_whole": np.array([True, False])},
        {"times": None},
    ],
)
def test_a_damaged_cache_is_said_and_not_used(tmp_path, caplog, arrays):
    path = targets._make_recording(tmp_path)
    assert len(targets._keeper(tmp_path).load()) == 12
    changed(path, **arrays)
    assert targets._keeper(tmp_path).load() is None
    assert f"{path}: this file of the cache is damaged and not used" in caplog.text


def with_header(path, change):
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["json"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is no mapping)
    change(header, tensors)
    save_file(tensors, path, {"json": json.dumps(header)})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h, t: h["model"].update(blocks=10**12), "'blocks' of 1000000000000 is beyond all sizes"),
        (lambda h, t: h["model"].update(width=8000), "weights of another network"),
        (lambda h, t: h["model"].update(heads="2"), "'heads' is not known, or of another kind"),
        (lambda h, t: h["model"].update(heads=3), "do not go together"),
        (lambda h, t: h["model"].update(heads=0), "'heads' of 0 is beyond all sizes"),
        (lambda h, t: h["model"].update(blocks=10**400), "'blocks' of 10{19} is beyond all sizes"),
        (lambda h, t: h["model"].update(frames=10), "do not go together"),
        (lambda h, t: h["model"].update(joints=15), "do not go together"),
        (lambda h, t: h["model"].update(dropout=17.0), "'dropout' of 17.0 is"),
        (lambda h, t: h["model"].update(frames=True), "'frames' is not known, or of another kind"),
        (lambda h, t: h["model"].update(input_form="x"), "takes what this version cannot give"),
        (lambda h, t: h.update(model=[1]), "does not say the sizes"),
        (lambda h, t: h.update(network=["mpm"]), "a network that this version does not know"),
        (lambda h, t: h.update(card="x"), "a network that this version does not know"),
        (lambda h, t: t["hidden_frame"].fill_(np.inf), "'hidden_frame' holds what is no number"),
        (lambda h, t: t["hidden_frame"].fill_(np.nan), "'hidden_frame' holds what is no number"),
        (lambda h, t: t.pop("hidden_frame"), "'hidden_frame' does not fit"),
        (lambda h, t: t.update(extra=torch.zeros(2)), "'extra' does not fit"),
    ],
)
def test_weights(tmp_path, change, words):
    path = targets._make_weights(tmp_path)
    load_weights(path, torch.device("cpu"))
    with_header(path, change)
    with pytest.raises(UserError, match=words) as error:
        load_weights(path, torch.device("cpu"))
    targets.check_sentence(error.value, path)


def test_weights_that_are_not_there(tmp_path):
    for path, words in ((tmp_path / "none.safetensors", "there is no such file"), (tmp_path, "is a folder, no file of MPM")):
        with pytest.raises(UserError, match=words):
            load_weights(path, torch.device("cpu"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("subject\nx\n", "the column 'file' is missing"),
        ("file,fps\na.bvh,²\n", "line 2: '²' is no positive number"),
        ("file,fps\na.bvh,nan\n", "line 2: 'nan' is no positive number"),
        ("file,bad_frames\na.bvh,1-" + "9" * 5000 + "\n", "line 2: .* is no range of frames"),
        ("file,bad_frames\na.bvh,9-3\n", "line 2: '9-3' is no range of frames"),
        ("file,fps\n,30\n", "line 2: no name of a file"),
        ("subject,file\nx\n", "line 2: no name of a file"),
        ("file\n" + "x" * 200_000 + "\n", "line"),
        ("file\n\0\n", "line 2: no name of a file"),
    ],
)
def test_manifests(tmp_path, text, words):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(UserError, match=words) as error:
        find_manifest(tmp_path)
    targets.check_sentence(error.value, tmp_path / "manifest.csv")


def test_a_manifest_that_is_no_text(tmp_path):
    (tmp_path / "manifest.csv").write_bytes(b"file\n\xff\xfe")
    with pytest.raises(UserError, match="byte 5 is not UTF-8"):
        find_manifest(tmp_path)


def test_one_bad_file_never_ends_an_import(tmp_path, monkeypatch):
    for name in ("good", "cut", "odd", "defect"):
        (tmp_path / name).mkdir()
        samples.bvh(tmp_path / name)
    cut = tmp_path / "cut" / "walk.bvh"
    cut.write_text(cut.read_text()[:500])
    (tmp_path / "odd" / "manifest.csv").write_text("file,fps\nwalk.bvh,x\n")
    from mpm_core.data import importing

    def read(path, read_bvh=importing.read_bvh):
        if "defect" in str(path):
            raise ZeroDivisionError("division by zero")
        return read_bvh(path)

    monkeypatch.setattr(importing, "read_bvh", read)
    *_, report = import_motion([tmp_path, tmp_path / "none.bvh"], tmp_path / "pack.npz", ImportOptions())
    assert [clip.name for clip in report.clips] == ["good/walk"]
    dropped = dict(report.dropped)
    assert set(dropped) == {"cut/walk", "odd/walk", "defect/walk", str(tmp_path / "none.bvh")}
    assert "'x' is no positive number" in dropped["odd/walk"] and "division" not in dropped["defect/walk"]
    assert len(read_pack(tmp_path / "pack.npz", "train").names) == 1


def test_an_import_spares_what_it_reads(tmp_path):
    path = samples.worlds(tmp_path)
    with pytest.raises(UserError, match="is an input"):
        list(import_motion([tmp_path], path, ImportOptions()))


@pytest.mark.parametrize("name", ["manifest.csv", "walk.asf"])
def test_an_import_spares_what_it_reads_beside_the_motion(tmp_path, name):
    samples.bvh(tmp_path)
    (tmp_path / name).write_text("file,fps\nwalk.bvh,30\n")
    with pytest.raises(UserError, match="is an input"):
        list(import_motion([tmp_path], tmp_path / name, ImportOptions()))
    assert (tmp_path / name).read_text() == "file,fps\nwalk.bvh,30\n"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("R", np.zeros((3, 3)).tolist(), "no rotation"),
        ("R", (np.eye(3) * 2).tolist(), "no rotation"),
        ("t", [0, 0, float("nan")], "no place"),
        ("K", np.zeros((3, 3)).tolist(), "focal length of 0"),
        ("res_w", -5, "positive"),
    ],
)
def test_cameras(tmp_path, key, value, words):
    path = samples.h36m(tmp_path)
    read_clip(path)
    content = json.loads((tmp_path / "cameras.json").read_text())
    content["cameras"]["S1"]["walk"][0][key] = value
    (tmp_path / "cameras.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=words) as error:
        read_clip(path)
    targets.check_sentence(error.value, path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 300 + ".json", "File name too long"),
        ("a/" * 3000 + "b.json", "File name too long"),
        ("a\nb.json", "there is no such file"),
    ],
)
@pytest.mark.parametrize("command", ["lift", "convert", "complete"])
def test_names_that_no_file_can_have(tmp_path, caplog, name, words, command):
    assert main([command, str(tmp_path / name), "-o", str(tmp_path / "x.csv")]) == 2
    (error,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert words in error and "\n" not in error and not list(tmp_path.iterdir())


def test_mutations_are_the_same_for_the_same_seed():
    content = json.dumps({"a": [1, 2, 3], "b": {"c": 0.5}}).encode()
    from tests.fuzz.mutations import mutate

    many = [mutate(Random(number), "x.json", content) for number in range(50)]
    assert many == [mutate(Random(number), "x.json", content) for number in range(50)] and len(set(many)) > 25
