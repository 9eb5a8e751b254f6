"""Who is who from frame to frame where a file does not say: people who cross, hide each other, leave and come back."""

import json

import numpy as np
import pytest

from mpm_core import read_clip
from mpm_core.formats import inspect_file
from mpm_core.people import Detection, Detections, find_people
from mpm_core.people_words import people_in_words, places_in_words
from mpm_core.skeleton import COCO17
from tests.bodies import body_in, flat

FRAMES, CROSSING = 100, 50


def two_people(demo, kind, seed=0):
    """(people, frames, joints, 3) two walkers of like size: one from the left, one from the right, or one after the other."""
    rng = np.random.default_rng(seed)
    pace = {"meet": (9.0, -8.0), "overtake": (12.0, 4.0), "stand": (9.0, 0.0)}[kind]
    people = np.stack([body_in(demo, COCO17, FRAMES, first) for first in (250, 400)])
    hips = people[..., 11:13, :2].mean((1, 2), keepdims=True)
    people[..., :2] = (people[..., :2] - hips) * 0.6 + rng.normal(0, 2, people[..., :2].shape)
    ways = np.array(pace)[:, None] * (np.arange(FRAMES) - CROSSING) + [[600], [605]]
    people[..., 0] += ways[..., None]
    people[..., 1] += np.array([300, 310])[:, None, None]
    return people


def seen(people, is_lost):
    """What a detector tells, the nearer person first and then the other way round; is_lost: (people, frames)."""
    found = []
    for frame in range(FRAMES):
        for who in sorted(range(2), key=lambda n: (n + frame) % 2):
            if not is_lost[who, frame]:
                found.append((who, Detection(frame, people[who, frame, :, :2], people[who, frame, :, 2])))
    return found


def share_right(found, tracks):
    """How many sightings of both people are in one track each, which is not the other's. A few are in none, where one pose
    lies on the other as if somebody had been found twice."""
    who = {(d.frame, d.points[0, 0]): n for n, d in found}
    counts = np.zeros((2, len(tracks)), int)
    for number, track in enumerate(tracks):
        for place in range(len(track.detections)):
            detection = track.detections[place]
            counts[who[detection.frame, detection.points[0, 0]], number] += 1
    best = max(counts[0, a] + counts[1, b] for a in range(len(tracks)) for b in range(len(tracks)) if a != b)
    assert counts.sum() >= 0.95 * len(found)
    return best / counts.sum()


@pytest.mark.parametrize("kind", ["meet", "overtake", "stand"])
@pytest.mark.parametrize("hides", ["nobody", "the other while they cross", "single frames"])
def test_people_who_cross_stay_who_they_are(demo, kind, hides):
    is_lost = np.zeros((2, FRAMES), bool)
    if hides == "the other while they cross":
        is_lost[1, CROSSING - 5 : CROSSING + 6] = True
    elif hides == "single frames":
        is_lost = np.random.default_rng(1).random((2, FRAMES)) < 0.1
    found = seen(two_people(demo, kind), is_lost)
    tracks = find_people(Detections.of([detection for _, detection in found]), COCO17)
    assert len(tracks) == 2 and share_right(found, tracks) == 1


def test_crossing_people_in_a_file_are_two_clips_whose_paths_do_not_turn(tmp_path, demo):
    people = two_people(demo, "meet")
    entries = [
        {"image_id": f"{d.frame}.jpg", "keypoints": flat(np.column_stack((d.points, d.scores))), "score": 1.0}
        for _, d in seen(people, np.zeros((2, FRAMES), bool))
    ]
    (tmp_path / "two.json").write_text(json.dumps(entries))
    for person in (0, 1):
        clip = read_clip(tmp_path / "two.json", image_size=(1280, 720), person=person)
        path = clip.keypoints[:, 11, 0]
        assert abs(path[-1] - path[0]) > 600


def alone(demo, tmp_path, parts, beside=()):
    """A file in which one person is seen in some frames, and others, standing far off, beside."""
    body = body_in(demo, COCO17, FRAMES)
    entries = [{"image_id": n, "keypoints": flat(body[n % FRAMES])} for part in parts for n in part]
    far = body[0] * [0.25, 0.25, 1] + [900, 0, 0]
    entries += [{"image_id": n, "keypoints": flat(far)} for n in beside]
    (tmp_path / "c.json").write_text(json.dumps(entries))
    return read_clip(tmp_path / "c.json", image_size=(1920, 1080))


def test_who_comes_back_alone_is_taken_for_the_same_and_that_is_said(tmp_path, demo):
    clip = alone(demo, tmp_path, [range(40), range(120, 150), range(300, 340)])
    assert clip.visible.any(1).sum() == 110
    assert any("lost 2 times and taken up again" in note for note in clip.notes)


@pytest.mark.parametrize("beside", [range(30, 160), range(100, 125)])
def test_with_somebody_else_in_sight_nobody_is_taken_up_again(tmp_path, demo, beside):
    clip = alone(demo, tmp_path, [range(60), range(120, 150)], beside)
    assert clip.visible.any(1).sum() == 60
    assert not any("taken up again" in note for note in clip.notes)


def test_a_ghost_of_two_frames_is_not_taken_up(tmp_path, demo):
    clip = alone(demo, tmp_path, [range(60), range(120, 122)])
    assert clip.visible.any(1).sum() == 60


def test_numbers_that_the_file_exchanges_are_followed_and_said(tmp_path, demo):
    body, far = body_in(demo, COCO17, 40), body_in(demo, COCO17, 40) + [400, 0, 0]
    entries = [{"image_id": n, "keypoints": flat(body[n]), "idx": 1 if n < 25 else 2} for n in range(40)]
    entries += [{"image_id": n, "keypoints": flat(far[n]), "idx": 2 if n < 25 else 1} for n in range(40)]
    (tmp_path / "c.json").write_text(json.dumps(entries))
    clip = read_clip(tmp_path / "c.json", image_size=(1920, 1080))
    assert any(note.endswith("jump from one body to another in frame 25 of the file") for note in clip.notes)
    entries = [entry | {"idx": 1 if n < 40 else 2} for n, entry in enumerate(entries)]
    (tmp_path / "c.json").write_text(json.dumps(entries))
    clip = read_clip(tmp_path / "c.json", image_size=(1920, 1080))
    assert not any("jump from one body" in note for note in clip.notes)


def beside(demo, tmp_path, *people):
    """A file of people: what it calls them, how far to the right of the demo's person, and in which frames they are seen."""
    body = body_in(demo, COCO17, 40)
    entries = [
        {"image_id": f"{n + 10}.jpg", "keypoints": flat(body[n] + [shift, 0, 0])} | ({} if name is None else {"track_id": name})
        for n in range(40)
        for name, shift, frames in people
        if n in frames
    ]
    (tmp_path / "people.json").write_text(json.dumps(entries))
    return tmp_path / "people.json"


def test_which_person_is_which_is_told_by_name_place_and_frames(demo, tmp_path):
    path = beside(demo, tmp_path, ("ben", 500, range(40)), ("anna", 0, range(5, 25)))
    anna, ben = "'anna', left, frames 15 to 34, about ", "'ben', right, frames 10 to 49, about "
    described = [", ".join(words) for words in people_in_words(inspect_file(path).people)]
    assert described[0].startswith(ben) and described[1].startswith(anna)
    (note,) = (note for note in read_clip(path, 30, (1280, 720)).notes if "people" in note)
    assert f"was taken, person 0 ({ben}" in note and f"--person names another: 1 ({anna}" in note
    assert not any("people" in note for note in read_clip(path, 30, (1280, 720), person=1).notes)


def test_places_of_three_and_of_two_at_one_place(demo, tmp_path):
    people = inspect_file(beside(demo, tmp_path, (None, 700, range(40)), (None, 0, range(30)), (None, 1400, range(20)))).people
    assert places_in_words(people) == ("2nd of 3 from the left", "1st of 3 from the left", "3rd of 3 from the left")
    people = inspect_file(beside(demo, tmp_path, ("a", 10, range(25)), ("b", 0, range(25, 40)))).people
    assert all(words.startswith("mostly ") and words.endswith(" px from the left") for words in places_in_words(people))
