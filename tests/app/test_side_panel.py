"""The side panel can be wide, narrow or hidden, stands never half empty, and text can be larger."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QPushButton

from app.look import theme as look
from app.look.text_size import line_scale, set_text_size
from app.look.theme import DARK
from app.panels.side_panel import SidePanel
from app.panels.tab_rows import rows_of
from app.window.main_window import MainWindow
from tests.app.conftest import WAIT_MS


@pytest.fixture
def usual_text(qapp):
    yield
    set_text_size(100)


def test_it_takes_less_than_a_third_and_can_be_hidden_and_narrowed(qtbot, window):
    window.resize(1024, 700)
    assert window.side_panel.width() < 1024 / 3
    window.resizeDocks([window.panel_dock], [230], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: window.side_panel.width() < 240, timeout=WAIT_MS)
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert window.panel_dock.isHidden() and not window.actions_by_name["side_panel"].isChecked()
    qtbot.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert window.panel_dock.isVisible()


def test_it_has_its_width_again_after_the_window_was_at_its_smallest(qtbot, window, settings):
    def is_wide(wide, window=window):
        return window.panel_dock.width() == wide

    def resize(size):
        window.resize(size)
        qtbot.wait(200)  # the X server says it once more

    def squeeze():
        resize(window.minimumSizeHint())
        assert window.panel_dock.width() < look.USUAL_PANEL
        resize(QSize(1280, 800))

    resize(QSize(1280, 800))
    qtbot.waitUntil(lambda: is_wide(look.USUAL_PANEL), timeout=WAIT_MS)
    squeeze()
    qtbot.waitUntil(lambda: is_wide(look.USUAL_PANEL), timeout=WAIT_MS)
    window.resizeDocks([window.panel_dock], [400], Qt.Orientation.Horizontal)  # as its edge is dragged
    qtbot.waitUntil(lambda: is_wide(400), timeout=WAIT_MS)
    squeeze()
    qtbot.waitUntil(lambda: is_wide(400), timeout=WAIT_MS)
    resize(window.minimumSizeHint())
    assert window.panel_dock.width() < look.USUAL_PANEL
    window.close()
    other = MainWindow(settings, DARK)
    qtbot.addWidget(other)
    other.show()
    other.resize(1280, 800)
    qtbot.waitUntil(lambda: is_wide(400, other), timeout=WAIT_MS)


def test_its_width_and_whether_it_is_there_are_remembered(qtbot, window, settings):
    window.actions_by_name["side_panel"].trigger()
    window.close()
    other = MainWindow(settings, DARK)
    qtbot.addWidget(other)
    other.show()
    assert other.panel_dock.isHidden() and not other.actions_by_name["side_panel"].isChecked()


def test_a_tall_window_shows_the_joints_below(qtbot, demo_window):
    panel = demo_window.side_panel
    labels = [panel.tabs.tabText(n) for n in range(panel.tabs.count())]
    panel.resize(400, 1200)
    assert panel.is_split and "Joints" not in [panel.tabs.tabText(n) for n in range(panel.tabs.count())]
    assert demo_window.joints_panel.isVisible() and demo_window.lifting_panel.isVisible()
    panel.resize(400, 960)
    assert panel.is_split
    panel.resize(400, 700)
    assert not panel.is_split and [panel.tabs.tabText(n) for n in range(panel.tabs.count())] == labels


@pytest.mark.parametrize("percent", [100, 150, 200])
def test_all_names_of_tabs_are_in_view_and_whole(qtbot, demo_window, usual_text, percent):
    set_text_size(percent)
    demo_window.resize(1024, 700)
    panel = demo_window.side_panel
    buttons = [button for button in panel.names.findChildren(QPushButton) if button.isVisible()]
    assert [button.text() for button in buttons] == [panel.tabs.tabText(n) for n in range(panel.tabs.count())]
    metrics = panel.names.fontMetrics()
    for button in buttons:
        assert metrics.horizontalAdvance(button.text()) <= button.width() and metrics.height() <= button.height()
        assert panel.names.rect().contains(button.geometry())
    assert not any(one.geometry().intersects(other.geometry()) for one, other in pairwise(buttons))
    last = buttons[-1]
    qtbot.mouseClick(last, Qt.MouseButton.LeftButton)
    assert panel.tabs.currentIndex() == len(buttons) - 1 and [b for b in buttons if b.isChecked()] == [last]
    panel.tabs.setCurrentIndex(1)
    assert buttons[1].isChecked() and not last.isChecked()


@pytest.mark.parametrize(("percent", "has_words"), [(100, True), (150, False)])
def test_all_tools_are_in_view_with_words_or_without(qtbot, demo_window, usual_text, percent, has_words):
    set_text_size(percent)
    demo_window.resize(1024, 700)
    toolbar = demo_window.toolbar
    style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if has_words else Qt.ToolButtonStyle.ToolButtonIconOnly
    qtbot.waitUntil(lambda: toolbar.toolButtonStyle() == style, timeout=WAIT_MS)
    tools = [toolbar.widgetForAction(action) for action in toolbar.actions() if not action.isSeparator()]
    qtbot.waitUntil(lambda: all(tool.isVisible() for tool in tools), timeout=WAIT_MS)
    assert all(toolbar.rect().contains(tool.geometry()) for tool in tools) and all(tool.toolTip() for tool in tools)


def test_tabs_stand_in_as_few_rows_as_they_need_evenly():
    assert rows_of([50] * 7, 400) == [[0, 1, 2, 3, 4, 5, 6]]
    assert rows_of([50] * 7, 330) == [[0, 1, 2, 3], [4, 5, 6]]
    assert rows_of([90, 20, 20], 60) == [[0], [1, 2]] and rows_of([], 60) == []


def test_an_empty_panel_can_be_resized(qtbot):
    panel = SidePanel()
    qtbot.addWidget(panel)
    panel.resize(300, 1200)
    assert not panel.is_split


def test_text_grows_everywhere_and_lanes_with_it(qtbot, demo_window, settings, usual_text):
    timeline = demo_window.timeline
    before = timeline.minimumSizeHint().height(), demo_window.status_line.fontMetrics().height()
    for _ in range(3):
        qtbot.keyClick(demo_window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    assert line_scale(timeline) > 1.3
    assert timeline.minimumSizeHint().height() > 1.3 * before[0]
    assert demo_window.lifting_panel.fontMetrics().height() > 1.3 * before[1]
    assert int(settings.value("text_percent")) == 150
    qtbot.keyClick(demo_window, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert timeline.minimumSizeHint().height() == before[0]
    assert QApplication.font().pointSizeF() == QApplication.instance().property("usual_point_size")


def test_buttons_beside_a_stretch_keep_their_room(qtbot, demo_window):
    panel = demo_window.answers.predictions
    tabs = demo_window.side_panel.tabs
    tabs.setCurrentIndex([tabs.tabText(n) for n in range(tabs.count())].index("Answers"))
    buttons = [button for button in panel.findChildren(QPushButton) if button.text() in ("Remove", "Copy", "Save CSV…")]
    spans = sorted((button.geometry().left(), button.geometry().right()) for button in buttons)
    assert len(spans) == 3 and all(one[1] < other[0] for one, other in pairwise(spans))
