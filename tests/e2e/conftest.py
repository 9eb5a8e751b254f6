from tests.app.conftest import demo_window, settings, window

__all__ = ["demo_window", "settings", "window"]
