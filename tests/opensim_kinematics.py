"""Loads a TRC into OpenSim, makes a body of its size with a marker at each of our joints, runs inverse kinematics, loads a MOT.

Run by an interpreter that has opensim (make test-all): opensim_kinematics.py FILE.trc FILE.mot FOLDER, or FILE.trc OUT.npz to
read the markers alone. The body is made here, as the package has none: segments as long as the median distance between the
file's markers, a free pelvis, ball joints, knees and elbows that are hinges. FOLDER gets figures.json, ik.mot and markers.npz.
"""

import json
import sys
from pathlib import Path

import numpy as np
import opensim as osim

# name, parent, the marker where its joint is, and the marker at its end
SEGMENTS = [
    ("torso", "pelvis", "Spine", "Thorax"), ("head", "torso", "Thorax", "Head"),
    *((f"{part}_{side}", f"{above}_{side}" if above in ("femur", "humerus") else above, side + begin, side + end)
      for side in "LR"
      for part, above, begin, end in (("femur", "pelvis", "Hip", "Knee"), ("tibia", "femur", "Knee", "Ankle"),
                                      ("humerus", "torso", "Shoulder", "Elbow"), ("radius", "humerus", "Elbow", "Wrist"))),
]  # fmt: skip
HINGES = ("tibia", "radius")
LIMITS_DEG = {
    "tibia": (-170, 10),
    "radius": (-10, 170),
}  # about X, which points to the left: a shank goes back, a forearm forth


def read_markers(path: str) -> tuple[osim.MarkerData, dict[str, np.ndarray]]:
    """(frames, 3) metres for each marker, as OpenSim reads them; NaN where it has none."""
    data = osim.MarkerData(path)
    data.convertToUnits(osim.Units("m"))
    names = data.getMarkerNames()
    names = [names.get(n) for n in range(data.getNumMarkers())]
    table = osim.TimeSeriesTableVec3(path)
    scale = 1.0 if table.getTableMetaDataString("Units") in ("m", "meters") else 0.001
    flat = table.flatten()  # kept, as what it is asked for below dies with it
    matrix = flat.getMatrix()
    values = matrix.to_numpy().reshape(table.getNumRows(), -1, 3) * scale
    places = {name: values[:, n] for n, name in enumerate(table.getColumnLabels())}
    assert set(places) == set(names)
    return data, places


def read_alone(trc: str, target: str) -> None:
    data, places = read_markers(trc)
    np.savez(target, rate=data.getDataRate(), **places)


def build_model(places: dict[str, np.ndarray]) -> osim.Model:
    """Rest pose: standing, X to the left, Y up, Z forward; lengths by the markers."""

    def length(begin: str, end: str) -> float:
        return float(np.nanmedian(np.linalg.norm(places[end] - places[begin], axis=-1)))

    model = osim.Model()
    model.setName("generic")
    inertia = osim.Inertia(0.1)
    pelvis = osim.Body("pelvis", 10.0, osim.Vec3(0), inertia)
    model.addBody(pelvis)
    model.addJoint(osim.FreeJoint("ground_pelvis", model.getGround(), pelvis))
    bodies = {"pelvis": pelvis}
    hips, shoulders = length("LHip", "RHip") / 2, length("LShoulder", "RShoulder") / 2
    spine, chest = length("Hip", "Spine"), length("Spine", "Thorax")
    drop, sink = (
        float(np.nanmedian(places[middle][:, 1] - (places[f"L{side}"][:, 1] + places[f"R{side}"][:, 1]) / 2))
        for middle, side in (("Thorax", "Shoulder"), ("Hip", "Hip"))
    )
    at = {"Spine": (0, spine, 0), "Thorax": (0, chest, 0)}
    at |= {"LHip": (hips, -sink, 0), "RHip": (-hips, -sink, 0)}
    at |= {"LShoulder": (shoulders, chest - drop, 0), "RShoulder": (-shoulders, chest - drop, 0)}

    def mark(name: str, body: osim.Body, place: tuple[float, float, float]) -> None:
        model.addMarker(osim.Marker(name, body, osim.Vec3(*place)))

    mark("Hip", pelvis, (0, 0, 0))
    for name, above, begin, end in SEGMENTS:
        body = osim.Body(name, 3.0, osim.Vec3(0), inertia)
        model.addBody(body)
        bodies[name] = body
        size = length(begin, end)
        at.setdefault(end, (0, size if name in ("torso", "head") else -size, 0))
        place = osim.Vec3(*at[begin])
        zero = osim.Vec3(0)
        if name.split("_")[0] in HINGES:
            # A pin turns about Z: frames are turned so that it is the body's X.
            turn = osim.Vec3(0, np.pi / 2, 0)
            joint = osim.PinJoint(f"{name}_joint", bodies[above], place, turn, body, zero, turn)
            coordinate = joint.updCoordinate()
            low, high = np.radians(LIMITS_DEG[name.split("_")[0]])
            coordinate.setRangeMin(min(low, high))
            coordinate.setRangeMax(max(low, high))
        else:
            joint = osim.BallJoint(f"{name}_joint", bodies[above], place, zero, body, zero, zero)
        model.addJoint(joint)
        if begin != "Thorax":
            mark(begin, bodies[above], at[begin])
        if end in ("Head", "LAnkle", "RAnkle", "LWrist", "RWrist", "Thorax"):
            mark(end, body, at[end])
    model.finalizeConnections()
    return model


def column(table: osim.TimeSeriesTable, name: str) -> np.ndarray:
    values = table.getDependentColumn(name)
    return np.array(values.to_numpy())


def main(trc: str, mot: str, folder: str) -> None:
    out = Path(folder)
    data, places = read_markers(trc)
    model = build_model(places)
    model.printToXML(str(out / "generic.osim"))
    tool = osim.InverseKinematicsTool()
    tool.setModel(model)
    tool.setMarkerDataFileName(trc)
    tool.setStartTime(data.getStartFrameTime())
    tool.setEndTime(data.getLastFrameTime())
    tool.setOutputMotionFileName(str(out / "ik.mot"))
    tool.setResultsDir(folder)
    tool.set_report_errors(True)
    tool.set_report_marker_locations(True)
    assert tool.run()
    errors = osim.TimeSeriesTable(str(next(out.glob("*marker_errors.sto"))))
    motion = osim.TimeSeriesTable(mot)
    solved = osim.TimeSeriesTable(str(out / "ik.mot"))
    figures = {
        "frames": int(data.getNumFrames()), "markers": int(data.getNumMarkers()), "rate": float(data.getDataRate()),
        "rms_mm": 1000 * float(np.sqrt(np.mean(column(errors, "marker_error_RMS") ** 2))),
        "worst_mm": 1000 * float(column(errors, "marker_error_max").max()),
        "solved_frames": int(solved.getNumRows()), "coordinates": int(solved.getNumColumns()),
        "mot_rows": int(motion.getNumRows()), "mot_columns": list(motion.getColumnLabels()),
        "mot_in_degrees": motion.getTableMetaDataString("inDegrees"),
    }  # fmt: skip
    (out / "figures.json").write_text(json.dumps(figures))
    np.savez(out / "markers.npz", **places)


(main if len(sys.argv) > 3 else read_alone)(*sys.argv[1:])
