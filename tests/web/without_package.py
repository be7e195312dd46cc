"""`news` on a machine where the package of the variable WITHOUT is not installed.

A module that is None in `sys.modules` cannot be imported; the process that forks has imported it already.
"""

import os
import sys

from newsletter.cli import main as cli

if __name__ == "__main__":
    for name in list(sys.modules):
        if name.startswith("newsletter.web.") or name.partition(".")[0] == os.environ["WITHOUT"]:
            del sys.modules[name]
    sys.modules[os.environ["WITHOUT"]] = None  # type: ignore[assignment]
    cli.run()
