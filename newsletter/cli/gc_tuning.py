"""The garbage collector, for processes that go on for long."""

import gc

# A send makes millions of small objects that die young and are in no cycle: at the usual 700 the collector
# looks through everything that was imported time and again, and costs a quarter of a send's time.
_THRESHOLDS = (100_000, 50, 1000)


def tune_gc() -> None:
    """Switches the collector on again (`main.run` starts without), and leaves alone what is there already."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    gc.enable()
