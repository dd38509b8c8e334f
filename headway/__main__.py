"""``python -m headway``: the same as ``headway``."""

import sys

from headway.cli.app import main

sys.exit(main())
