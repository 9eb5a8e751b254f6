"""Which way is up and when a foot stands. Nothing here knows of networks or files."""
