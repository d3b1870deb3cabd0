"""`python -m retrograph` is the command `retrograph`."""

from __future__ import annotations

import sys

from retrograph.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
