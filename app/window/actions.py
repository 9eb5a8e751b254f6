"""Owns the table of actions: text, keys, icon and handler, from which menus, toolbar, palette and help are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget


@dataclass(frozen=True)
class ActionSpec:
    """One action. handler: name of a method of one of the handlers, called with `argument` if there is one; a checkable
    action's takes whether it is on, and those with an argument and the same handler are one choice, of which one is on. short:
    its text in the toolbar, if it stands there. menu: where it stands; separators are drawn where `starts_group` says so."""

    name: str
    text: str
    menu: str
    handler: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    argument: object = None
    is_checkable: bool = False
    short: str = ""
    starts_group: bool = False
    tip: str = ""

    @property
    def is_choice(self) -> bool:
        """Whether it is one of several things, of which one is on."""
        return self.is_checkable and self.argument is not None


def _steps() -> tuple[ActionSpec, ...]:
    """Going through frames, and the same with Shift, which selects on the way."""
    sizes = (("one frame", 1, ""), ("10 frames", 10, "Ctrl+"), ("100 frames", 100, "Ctrl+Alt+"))
    rows = []
    for words, count, modifier in sizes:
        for direction, key, sign in (("Back", "Left", -1), ("Forward", "Right", 1)):
            name = f"{direction.lower()}_{count}"
            rows.append(ActionSpec(name, f"{direction} {words}", "Play", "step", (f"{modifier}{key}",), "", sign * count))
            select = f"Select {direction.lower()} {words}"
            rows.append(ActionSpec(f"select_{name}", select, "", "select_step", (f"{modifier}Shift+{key}",), "", sign * count))
    return tuple(rows)


ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open", "Open…", "File", "open_file", ("Ctrl+O",), "open", short="Open"),
    ActionSpec("open_folder", "Open OpenPose folder…", "File", "open_folder", ("Ctrl+Shift+O",)),
    ActionSpec("ask_again", "Ask again how to read the file…", "File", "ask_again"),
    ActionSpec("open_video", "Open video…", "File", "open_video", ("Ctrl+D",), "video", short="Video"),
    ActionSpec("backdrop", "Video behind the skeleton…", "File", "open_backdrop"),
    ActionSpec("truth_file", "Open ground truth (3D)…", "File", "open_truth"),
    ActionSpec("demo", "Open the demo", "File", "open_demo"),
    ActionSpec("new_window", "New window", "File", "new_window", ("Ctrl+Shift+N",)),
    ActionSpec("save", "Save project", "File", "save", ("Ctrl+S",), "save", starts_group=True),
    ActionSpec("save_as", "Save project as…", "File", "save_as", ("Ctrl+Shift+S",)),
    ActionSpec("export", "Export prediction…", "File", "export", ("Ctrl+E",), "export", short="Export"),
    ActionSpec("export_clip", "Export clip and mask…", "File", "export_clip"),
    ActionSpec("export_film", "Export a film or pictures…", "File", "export_film", ("Ctrl+Shift+E",)),
    ActionSpec("history", "What was done…", "File", "show_history", starts_group=True),
    ActionSpec("quit", "Quit", "File", "quit", ("Ctrl+Q",), starts_group=True),
    ActionSpec("undo", "Undo", "Edit", "undo", ("Ctrl+Z",), "undo", short="Undo"),
    ActionSpec("redo", "Redo", "Edit", "redo", ("Ctrl+Shift+Z",), "redo", short="Redo"),
    ActionSpec(
        "hide_joints", "Hide or show joints", "Edit", "hide_selected", ("H",), "joint", short="Hide joint", starts_group=True
    ),
    ActionSpec("hide_frame", "Hide or show whole frame", "Edit", "hide_frame", ("Shift+H",), "frame", short="Hide frame"),
    ActionSpec(
        "hide_random", "Hide at random", "Edit", "hide_random", (), "random", short="Hide at random",
        tip="Hide joints drawn at random, in the range or the clip: which kind and how many is set in the tab Lifting, below",
    ),
    ActionSpec("show_all", "Show everything", "Edit", "show_all"),
    ActionSpec("copy_mask", "Copy the mask of the range", "Edit", "copy_mask", ("Ctrl+C",), starts_group=True),
    ActionSpec("paste_mask", "Paste the mask here, or all over the range", "Edit", "paste_mask", ("Ctrl+V",)),
    ActionSpec("invert_mask", "Invert the mask", "Edit", "invert_mask", ("Ctrl+I",)),
    ActionSpec("load_mask", "Load a mask…", "Edit", "load_mask"),
    ActionSpec("save_mask", "Save the mask…", "Edit", "save_mask"),
    ActionSpec("select_all", "Select all joints", "Edit", "select_all", ("Ctrl+A",), starts_group=True),
    ActionSpec("clear_key", "Clear the key in this frame", "Edit", "clear_key", ("Del",)),
    ActionSpec("restore", "Restore what was measured", "Edit", "restore"),
    ActionSpec("let_go", "Let alternatives go that were taken", "Edit", "let_alternatives_go"),
    ActionSpec("hide_suspicious", "Hide the joints of bad frames", "Edit", "hide_suspicious"),
    ActionSpec("swap", "Swap left and right", "Edit", "swap_sides", ("X",), starts_group=True),
    ActionSpec("mark_upright", "Mark something upright in the picture", "Edit", "mark_upright"),
    ActionSpec("range_in", "Range begins here", "Edit", "range_in", ("[",), starts_group=True),
    ActionSpec("range_out", "Range ends here", "Edit", "range_out", ("]",)),
    ActionSpec("range_none", "No range", "Edit", "range_none", ("Esc",)),
    ActionSpec("play", "Play or pause", "Play", "play", ("Space",), "play", short="Play"),
    *_steps(),
    ActionSpec("first", "First frame", "Play", "go_first", ("Home",)),
    ActionSpec("last", "Last frame", "Play", "go_last", ("End",)),
    ActionSpec("select_first", "Select to first frame", "", "select_first", ("Shift+Home",)),
    ActionSpec("select_last", "Select to last frame", "", "select_last", ("Shift+End",)),
    ActionSpec("goto", "Go to a frame or time…", "Play", "go_to", ("G",)),
    ActionSpec("previous_bad", "Previous bad frame", "Play", "go_suspicion", ("Alt+Left",), "", -1),
    ActionSpec("next_bad", "Next bad frame", "Play", "go_suspicion", ("Alt+Right",), "", 1),
    ActionSpec("worst", "Go to the worst frame", "Play", "go_to_worst", ("W",)),
    ActionSpec("loop", "Loop", "Play", "set_loops", (), "", is_checkable=True, starts_group=True),
    ActionSpec("slower", "Slower", "Play", "change_speed", ("-",), "", -1),
    ActionSpec("faster", "Faster", "Play", "change_speed", ("+", "="), "", 1),
    ActionSpec("lift", "Lift (2D → 3D)", "Lift", "set_task", (), "", "lift"),
    ActionSpec("complete", "Complete (3D → 3D)", "Lift", "set_task", (), "", "complete"),
    ActionSpec("together", "Lift with another camera…", "Lift", "lift_together"),
    ActionSpec("keep_answer", "Keep this answer", "Lift", "keep_answer", ("K",), starts_group=True),
    ActionSpec("compare_lifters", "Compare lifters", "Lift", "compare_lifters"),
    ActionSpec("save_answers", "Save the table of answers…", "Lift", "save_answers"),
    ActionSpec("view_front", "Front view", "View", "look_from", ("1",), "", "front"),
    ActionSpec("view_side", "Side view", "View", "look_from", ("2",), "", "side"),
    ActionSpec("view_top", "Top view", "View", "look_from", ("3",), "", "top"),
    ActionSpec("view_camera", "Camera view", "View", "look_from", ("4",), "", "camera"),
    ActionSpec("zoom", "The person fills the picture", "View", "set_fills", ("Z",), is_checkable=True),
    ActionSpec("answer_2d", "Answer over the picture", "View", "set_shows_answer", ("O",), is_checkable=True),
    ActionSpec("follow", "Follow the person in 3D", "View", "set_follows", ("F",), is_checkable=True),
    ActionSpec("turn", "Turntable", "View", "set_turns", (), is_checkable=True),
    ActionSpec("trails", "Trails of the selected joints", "View", "set_trails", ("R",), is_checkable=True, starts_group=True),
    ActionSpec("ghosts", "Ghosts before and after…", "View", "ask_ghosts"),
    ActionSpec("bystanders", "Other people of the video or file", "View", "set_bystanders", (), is_checkable=True),
    ActionSpec("copy_scene", "Copy a picture of the scene", "View", "copy_picture", ("Ctrl+Shift+C",), starts_group=True),
    ActionSpec("save_scene", "Save a picture of the scene…", "View", "save_picture"),
    ActionSpec(
        "errors", "Colour by error", "View", "set_errors", ("C",), "errors", is_checkable=True, short="Colour by error",
        starts_group=True,
    ),
    ActionSpec("truth", "Ground truth", "View", "set_truth", ("T",), is_checkable=True),
    ActionSpec("beside", "Ground truth and kept answers side by side", "View", "set_side_by_side", ("B",), is_checkable=True),
    ActionSpec(
        "alternatives", "Alternatives of hidden joints", "View", "set_alternatives", ("A",), is_checkable=True,
        starts_group=True,
    ),
    ActionSpec("alternatives_many", "Many alternatives: 20 instead of 5", "View", "set_many_alternatives", is_checkable=True),
    ActionSpec("ellipsoids", "Alternatives as ellipsoids", "View", "set_ellipsoids", ("Shift+A",), is_checkable=True),
    ActionSpec("curves", "Curves", "View", "set_curves", ("V",), is_checkable=True),
    ActionSpec("seconds", "Timeline in seconds", "View", "set_seconds", (), "", is_checkable=True, starts_group=True),
    ActionSpec("side_panel", "Side panel", "View", "show_panel", ("Ctrl+B",), is_checkable=True, starts_group=True),
    ActionSpec("text_larger", "Larger text", "View", "change_text", ("Ctrl++", "Ctrl+="), "", 1),
    ActionSpec("text_smaller", "Smaller text", "View", "change_text", ("Ctrl+-",), "", -1),
    ActionSpec("text_usual", "Usual text size", "View", "change_text", ("Ctrl+0",), "", 0),
    ActionSpec("theme_dark", "Dark theme", "View", "set_theme", (), "", "dark", True, starts_group=True),
    ActionSpec("theme_light", "Light theme", "View", "set_theme", (), "", "light", True),
    ActionSpec("palette_field", "Colours: blue left, red right", "View", "set_palette", (), "", "field", True),
    ActionSpec("palette_colour_blind", "Colours: sky left, orange right", "View", "set_palette", (), "", "colour-blind", True),
    ActionSpec("commands", "Find a command…", "Help", "show_palette", ("Ctrl+K",)),
    ActionSpec("messages", "Messages so far…", "Help", "show_messages", ("Ctrl+M",)),
    ActionSpec("keys", "Keys", "Help", "show_keys", ("F1",)),
    ActionSpec("about", "About", "Help", "show_about"),
)  # fmt: skip

MENUS = ("File", "Edit", "Play", "Lift", "View", "Help")


def build_actions(owner: QWidget, handlers: Sequence[object]) -> Mapping[str, QAction]:
    """A QAction per row of the table, bound to the handlers and added to the window, so that its keys work."""
    actions, choices = {}, dict[str, QActionGroup]()
    for spec in ACTIONS:
        action = QAction(spec.text, owner)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        action.setCheckable(spec.is_checkable)
        action.setIconText(spec.short or spec.text)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        tip = spec.tip or spec.text
        action.setToolTip(f"{tip} ({keys})" if keys else tip)
        action.triggered.connect(_end_typing)  # before what it does, which may need the number
        handler = next(getattr(found, spec.handler) for found in handlers if hasattr(found, spec.handler))
        if spec.is_choice:
            choices.setdefault(spec.handler, QActionGroup(owner)).addAction(action)
        if spec.is_checkable and not spec.is_choice:
            action.toggled.connect(handler)
        elif spec.argument is not None:
            action.triggered.connect(lambda _=False, call=handler, argument=spec.argument: call(argument))
        else:
            action.triggered.connect(lambda _=False, call=handler: call())
        owner.addAction(action)
        actions[spec.name] = action
    return actions


def _end_typing(_is_on: bool) -> None:
    """What is typed in a field counts now, and the keyboard is the window's again."""
    field = QApplication.focusWidget()
    if isinstance(field, QAbstractSpinBox | QLineEdit):
        field.clearFocus()
