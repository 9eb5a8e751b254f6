"""CSV as this project, Excel, R and other programs write it."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip, UserError, read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.tables import read_table
from mpm_core.skeleton import COCO17, MEDIAPIPE33, MPM16
from tests.bodies import FRAMES, body_in, same_body


@pytest.fixture
def own(tmp_path, demo):
    """A CSV of this project's: 24 frames, with one wrist lost in some."""
    points = demo.keypoints[250 : 250 + FRAMES].copy()
    points[3:6, MPM16.index("RElbow")] = np.nan
    write(Clip.from_arrays(points, (1080, 1080), 50), tmp_path / "own.csv")
    return tmp_path / "own.csv"


def is_own(clip, demo, frames=None):
    lost = ~clip.visible[:, MPM16.index("RElbow")]
    is_whole = frames is not None or lost.nonzero()[0].tolist() == [3, 4, 5]
    told = clip.image_size == (1080, 1080) and clip.fps == 50 and not clip.notes
    return told and is_whole and same_body(clip, demo, ("RKnee", "LWrist", "Hip"), frames=frames)


def german(text):
    return text.replace(",", ";").replace(".", ",")


def as_excel(text, delimiter=","):
    """Comments padded to the width of the table, those with the delimiter quoted."""
    lines = text.splitlines()
    width = max(line.count(delimiter) for line in lines)
    padded = []
    for line in lines:
        quoted = f'"{line}"' if delimiter in line else line
        padded.append(quoted + delimiter * width if line.startswith("#") else line)
    return "\n".join(padded) + "\n"


def as_r(text):
    """R's write.csv: texts in quotes, NA for nothing."""
    out = []
    for line in text.splitlines():
        cells = [
            cell if cell.replace(".", "").replace("-", "").isdigit() else f'"{cell}"' if cell else "NA"
            for cell in line.split(",")
        ]
        out.append(line if line.startswith("#") else ",".join(cells))
    return "\n".join(out)


CHANGES = {
    "semicolons and decimal commas": lambda text: german(text).encode(),
    "tabs": lambda text: text.replace(",", "\t").encode(),
    "excel's comments": lambda text: as_excel(text).encode(),
    "excel's comments, german": lambda text: as_excel(german(text), ";").encode("utf-8-sig"),
    "a byte order mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "quotes and NA": lambda text: as_r(text).encode(),
    "Windows line ends": lambda text: text.replace("\n", "\r\n").encode(),
    "old Mac line ends": lambda text: text.replace("\n", "\r").encode(),
    "empty rows at the end": lambda text: (text + "\n" + "," * 65 + "\n" + "," * 65 + "\n\n").encode(),
    "spaces after commas": lambda text: text.replace(",", ", ").encode(),
    "a plus and a bare point": lambda text: text.replace(",0.", ",+.").encode(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_our_csv_after_other_programs(own, demo, change):
    own.write_bytes(change(own.read_text()))
    assert is_own(read_clip(own), demo)


def test_our_long_csv_is_read_back(tmp_path, own, demo):
    write(read_clip(own), tmp_path / "long.csv", WriteOptions(long=True))
    assert is_own(read_clip(tmp_path / "long.csv"), demo)
    lines = (tmp_path / "long.csv").read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("frame")) + 1
    rows = [line for line in lines[begin:] if not line.startswith(("7,", "8,"))]
    np.random.default_rng(0).shuffle(rows)
    (tmp_path / "long.csv").write_text("\n".join(lines[:begin] + rows))
    clip = read_clip(tmp_path / "long.csv")
    assert len(clip) == FRAMES and (~clip.visible.any(1)).nonzero()[0].tolist() == [7, 8]
    assert is_own(clip, demo, [*range(7), *range(9, FRAMES)])


def test_our_long_3d_csv_is_read_back(tmp_path, demo):
    clip = Clip.from_arrays(None, demo.image_size, 50, ground_truth=demo.ground_truth[:10])
    write(clip, tmp_path / "long.csv", WriteOptions(long=True))
    assert np.abs(read_clip(tmp_path / "long.csv").ground_truth - demo.ground_truth[:10]).max() < 1e-5


@pytest.mark.parametrize("kept", ["frame", "time_s", "both"])
def test_frames_without_a_row_are_gaps(own, demo, kept):
    lines = own.read_text().splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("frame")) + 1
    rows = [line.split(",") for line in lines[begin - 1 :]]
    rows = [row for n, row in enumerate(rows) if n == 0 or n - 1 not in range(8, 13)]
    columns = {"frame": [0], "time_s": [1], "both": [0, 1]}[kept] + list(range(2, len(rows[0])))
    own.write_text("\n".join(lines[: begin - 1] + [",".join(row[c] for c in columns) for row in rows]))
    clip = read_clip(own)
    assert len(clip) == FRAMES and (~clip.visible.any(1)).nonzero()[0].tolist() == list(range(8, 13))
    assert clip.times[-1] - clip.times[0] == pytest.approx((FRAMES - 1) / 50)
    assert is_own(clip, demo, [*range(8), *range(13, FRAMES)])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("5,0.100000,", "5,0.100000,12a,", "row 6 has 67 columns, the header has 66"),
        ("detected\n6,", "detected\n5,", "stands in two rows"),
        ("detected\n6,", "detected\n6.5,", "whole numbers"),
        ("detected\n6,", "detected\n60000000,", "which cannot be right"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(own, old, new, words):
    own.write_text(own.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=words):
        read_clip(own)


def test_a_word_among_numbers_is_named_with_its_place(tmp_path):
    table = read_table("a,b\n1,2\n3,left\n", tmp_path / "x.csv")
    assert table.texts("b") == ["2", "left"]
    with pytest.raises(UserError, match="row 2, column 'b': 'left' is not a number"):
        table.numbers(["b"])


@pytest.mark.parametrize("number", ["1e400", "-1e400", "-1e16", "9e20"])
def test_numbers_beyond_all_range_are_named(tmp_path, number):
    table = read_table(f"a,b\n1,x\n{number},x\n", tmp_path / "x.csv")
    assert table.texts("b") == ["x", "x"]
    with pytest.raises(UserError, match="row 2, column 'a': too large a number"):
        table.numbers(["a"])


def test_a_word_that_goes_on_as_another_is_another(tmp_path):
    """The fast way exchanges words for numbers; what is left of a longer word must not become a digit of them."""
    rows = [f"{n},hid" for n in range(5)] + ["5,hid2", "6,hidden"]
    table = read_table("n,what\n" + "\n".join(rows), tmp_path / "x.csv")
    assert table.texts("what") == ["hid"] * 5 + ["hid2", "hidden"]


def wide(points, names, parts=("x", "y", "conf"), before=("frame",), joint_first=True):
    header = [f"{name}_{part}" if joint_first else f"{part}{name}" for name in names for part in parts]
    rows = [[n, *np.round(p[:, : len(parts)], 6).ravel()] for n, p in enumerate(points)]
    return "\n".join([",".join([*before, *header]), *(",".join(map(str, row)) for row in rows)])


@pytest.mark.parametrize("is_upper", [False, True])
def test_csv_of_other_programs_goes_by_the_names(tmp_path, demo, is_upper):
    side = {"L": "left_", "R": "right_"}
    names = [side[j[0]] + j[1:].lower() if j[0] in "LR" else j.lower() for j in COCO17.joints]
    if is_upper:
        names = [name.upper() for name in names]
    order = np.random.default_rng(1).permutation(17)
    text = wide(body_in(demo, COCO17)[:, order], [names[n] for n in order])
    (tmp_path / "k.csv").write_text(text)
    clip = read_clip(tmp_path / "k.csv", 50, (1080, 1080))
    assert clip.skeleton is COCO17 and same_body(clip, demo) and clip.confidence.max() == pytest.approx(0.9)
    assert inspect_file(tmp_path / "k.csv").lacks == ("fps", "image_size")


@pytest.mark.parametrize("layout", ["names", "numbers", "long"])
def test_mediapipe_csv(tmp_path, demo, layout):
    points = body_in(demo, MEDIAPIPE33)
    points[..., :2] /= 1080
    points = np.insert(points, 2, 0.1, axis=-1)  # a depth that is no measurement
    if layout == "long":
        rows = [f"{n},{j},{','.join(f'{v:.6f}' for v in p[j])}" for n, p in enumerate(points) for j in range(33)]
        text = "\n".join(["frame,landmark_id,x,y,z,visibility", *rows])
    elif layout == "names":
        words = [
            w.replace("L", "LEFT_", 1) if w[0] == "L" else w.replace("R", "RIGHT_", 1) if w[0] == "R" else w
            for w in MEDIAPIPE33.joints
        ]
        text = wide(points, [word.upper() for word in words], ("x", "y", "z", "visibility"))
    else:
        text = wide(points, range(1, 34), ("x", "y", "z", "v"), joint_first=False)
    (tmp_path / "m.csv").write_text(text)
    clip = read_clip(tmp_path / "m.csv", 50, (1080, 1080))
    assert same_body(clip, demo, ("RKnee", "LWrist"))
    assert any("z is left out" in note for note in clip.notes) and any("1080 x 1080" in note for note in clip.notes)


def test_3d_in_a_csv_of_another_program_is_not_taken_for_pixels(tmp_path, demo):
    names = list(MPM16.joints[:12])
    (tmp_path / "m.csv").write_text(wide(demo.ground_truth[:20, :12] * 1000, names, ("x", "y", "z")))
    with pytest.raises(UserError, match="3D positions"):
        read_clip(tmp_path / "m.csv", 50, (1080, 1080))


def test_two_people_in_a_long_csv(tmp_path, demo):
    body = body_in(demo, COCO17)
    rows = [
        f"{n};{who};{joint};{f'{x + who * 500:.3f}'.replace('.', ',')};{f'{y:.3f}'.replace('.', ',')}"
        for n, p in enumerate(body)
        for who in range(2)
        for joint, (x, y, _) in zip(COCO17.joints, p, strict=True)
    ]
    (tmp_path / "p.csv").write_text("\n".join(["Frame;Person;Joint;X;Y", *rows]))
    assert [p.frames for p in inspect_file(tmp_path / "p.csv").people] == [FRAMES, FRAMES]
    assert same_body(read_clip(tmp_path / "p.csv", 50, (1080, 1080), person=0), demo)


def test_numbers_above_the_table_may_have_a_decimal_comma(tmp_path, demo):
    """As a search and replace in an editor leaves them; a rate that was not understood would have been taken for 30."""
    clip = replace(Clip.from_arrays(demo.keypoints[:FRAMES], (1080, 1080), 29.97), up=demo.up, height_m=1.75)
    write(clip, tmp_path / "own.csv")
    text = "\n".join(line for line in (tmp_path / "own.csv").read_text().splitlines())
    (tmp_path / "german.csv").write_text(german(text))
    again = read_clip(tmp_path / "german.csv")
    assert again.fps == pytest.approx(29.97) and again.height_m == 1.75 and not again.notes
    assert again.up == pytest.approx(demo.up, abs=1e-6)


def large(rows=4000, columns=12):
    """Cells of a table that is read in several pieces, with empty ones and numbers in every notation; None where empty."""
    rng = np.random.default_rng(5)
    kinds = (repr, lambda v: f"{v:.3f}", lambda v: f"{v:e}", lambda v: str(int(v)), lambda v: "")
    values = rng.normal(0, 500, (rows, columns)).tolist()
    which = rng.integers(0, len(kinds), (rows, columns)).tolist()
    return [[kinds[k](v) for v, k in zip(row, ks, strict=True)] for row, ks in zip(values, which, strict=True)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("odd", [None, "+7", ".5", "007", '"8.25"', " 9 ", "NA", "nan"])
def test_every_cell_of_a_large_table_is_the_number_that_was_written(tmp_path, delimiter, odd):
    cells = large()
    if odd is not None:
        cells[3500][4] = odd
    names = [f"c{n}" for n in range(len(cells[0]))]
    table = read_table("\n".join(map(delimiter.join, [names, *cells])), tmp_path / "large.csv")
    bare = [[cell.strip(' "') for cell in row] for row in cells]
    wanted = np.array([[np.nan if cell in ("", "NA") else float(cell) for cell in row] for row in bare])
    assert np.array_equal(table.numbers(names), wanted[~np.isnan(wanted).all(1)], equal_nan=True)


@pytest.mark.parametrize("odd", ["true", "null]", "[1]", "{}", "1 2", "12a", "0x10", "1_0", "bananas", '"true"'])
def test_no_cell_far_down_is_taken_for_what_only_json_knows(tmp_path, odd):
    cells = large()
    cells[3500][4] = odd
    names = [f"c{n}" for n in range(len(cells[0]))]
    with pytest.raises(UserError, match="row 3501, column 'c4'"):
        read_table("\n".join(map(",".join, [names, *cells])), tmp_path / "large.csv").numbers(names)


def test_a_row_of_another_length_far_down_is_named(tmp_path):
    cells = large()
    cells[3500] = cells[3500][:-1]
    names = [f"c{n}" for n in range(len(cells[0]))]
    with pytest.raises(UserError, match="row 3501 has 11 columns"):
        read_table("\n".join(map(",".join, [names, *cells])), tmp_path / "large.csv")
