"""Settings of the garbage collector for long commands."""

import gc

# A send creates millions of small objects that live briefly and are in no reference cycle. With the default
# threshold of 700 the collector examines all imported objects again and again, which takes a quarter of a
# send's time.
_THRESHOLDS = (100_000, 50, 1000)


def tune_gc() -> None:
    """Enable the garbage collector, which `main.run` disables, for objects that are created from now on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
