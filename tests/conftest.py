"""Every test sees the same machine: quiet, and with a cache and a home of its own where it asks for one."""

from __future__ import annotations

import os

# Tests run in several processes on few cores: one thread each is the fastest together.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["HF_HUB_OFFLINE"] = os.environ.get("HF_HUB_OFFLINE", "1")
