"""How long a reader waits: from opening the address to the first text, to controls that answer, to the last figure.

    python tests/web/paint.py [TOPIC ...]        # on a machine with nothing else to do

No test: what it prints depends on the machine. The aim is text within 2 s, and the controls with it, on two quiet cores.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.lessons import WRITTEN, reading

ROUNDS = 3


def main() -> None:
    from playwright.sync_api import sync_playwright

    path = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, reading(None, Path(folder)) as (_, found), sync_playwright() as play:
        print(f"the address after {time.perf_counter() - began:.1f} s")
        base, _, token = found[0].partition("?")
        browser = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        print(
            f"{'seconds to':<18}{'text':>8}{'controls':>10}{'the end':>9}   (median of {ROUNDS}, each in a fresh browser profile)"
        )
        for topic in sys.argv[1:] or WRITTEN:
            rounds = []
            for _ in range(ROUNDS):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                page = context.new_page()
                started = time.perf_counter()
                page.goto(f"{base}{topic}/?{token}", wait_until="commit")
                times = []
                for sign in (".output .paragraph", "[role=slider], [role=switch], select", "footer, #what-follows"):
                    page.locator(sign).first.wait_for(timeout=120_000)
                    times.append(time.perf_counter() - started)
                rounds.append(times)
                context.close()
            text, controls, end = (statistics.median(column) for column in zip(*rounds, strict=True))
            print(f"{topic:<18}{text:>8.2f}{controls:>10.2f}{end:>9.2f}", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
