"""``headway untick LINE``: take a tick away; Headway does not put it back."""

from __future__ import annotations

import cyclopts

from headway.cli.tick import by_hand

app = cyclopts.App(name="untick", help="Take a tick away.")


@app.default
def untick(line: str, /, *more: str) -> int:
    """Take ticks away. What you unticked, Headway does not tick again by itself.

    Parameters
    ----------
    line
        Its number, as `headway plan` shows it, or words that no other line has.
    more
        Further lines.
    """
    return by_hand([line, *more], on=False)
