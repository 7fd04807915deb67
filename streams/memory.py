"""The garbage collector of a long run: what is loaded at the start lives as long as the program."""

from __future__ import annotations

import gc


def settle() -> None:
    """Call it once, when everything is loaded: the collector leaves that alone from now on, and comes by less often.

    A city's estates are a million objects; going through them at every full collection costs an eighth of the
    pipeline's speed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
