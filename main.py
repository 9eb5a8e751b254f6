"""The same as the command mpm-viewer."""

import sys

from app.starting import mpm_viewer

if __name__ == "__main__":
    sys.exit(mpm_viewer())
