"""The worker threads: none of them touches a widget."""
