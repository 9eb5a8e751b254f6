"""Owns what of a video hangs together in the window: its panel, its handlers, the picture and what else follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mpm_core.video import VideoInfo

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

NOTHING_IS_OPEN = (
    "Drop keypoints, a video or a project here, or press Ctrl+O. File → Open the demo shows what can be done with them."
)


def connect_video(window: MainWindow) -> None:
    """Connect the video's panel, and what a chosen video changes."""
    panel, handlers, job = window.video_panel, window.video_handlers, window.detect_job
    panel.threshold_chosen.connect(handlers.set_threshold)
    panel.live_chosen.connect(handlers.open_live)
    panel.detect_chosen.connect(handlers.detect)
    panel.open_chosen.connect(window.file_handlers.open_video)
    panel.region_chosen.connect(handlers.set_region)
    panel.refiner_chosen.connect(handlers.refine)
    panel.repair_chosen.connect(handlers.repair)
    panel.person_chosen.connect(handlers.open_person)
    panel.camera_box.field_of_view_chosen.connect(handlers.set_field_of_view)
    panel.camera_box.held_chosen.connect(handlers.set_held)
    panel.camera_box.up_left_to_lifter.connect(handlers.leave_up_to_lifter)
    panel.camera_box.upright_chosen.connect(window.upright.choose)
    window.upright.changed.connect(panel.camera_box.show_marking)
    panel.rate_box.rate_chosen.connect(handlers.set_rate)
    panel.rate_box.rate_left_to_file.connect(handlers.leave_rate_to_file)
    panel.body_box.height_chosen.connect(handlers.set_height)
    panel.body_box.height_left_to_lifter.connect(handlers.leave_height_to_lifter)
    window.image_view.region_drawn.connect(panel.set_region)
    window.image_view.preview_changed.connect(panel.show_preview)

    def widen_image(info: VideoInfo) -> None:
        """A wide picture gets half of the room."""
        if info.image_size[0] > info.image_size[1]:
            width = window.views.width()
            window.views.setSizes([width // 2, width - width // 2])

    def point_on(*_: object) -> None:
        """Say below, where nothing is yet, what comes next."""
        name = "" if job.video is None else job.video.path.name
        finds = f"Looking for people in {name}: they are opened at the end, or when you cancel."
        asks = f"{name} is open. Press Detect, in the panel Video on the right, to find people in it."
        window.timeline.say_next_step(NOTHING_IS_OPEN if job.video is None else finds if job.state.is_running else asks)

    for signal in (job.chosen, job.adopted, job.state_changed, window.opener.failed):
        signal.connect(point_on)
    job.chosen.connect(widen_image)
    job.chosen.connect(lambda _: window.panels.setCurrentIndex(window.panels.count() - 1))
    job.chosen.connect(lambda _: window.playback.pause())
    job.chosen.connect(lambda info: window.recent.remember(info.path))
