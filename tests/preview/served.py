"""Run the preview as a program that prints its address: `python -m tests.preview.served FOLDER NAME`."""

import sys
import warnings
from pathlib import Path

from newsletter.preview.launch import serve

if __name__ == "__main__":
    warnings.simplefilter("error")
    serve(Path(sys.argv[1]), sys.argv[2] or None, port=0, ready=lambda url: print(url, flush=True))
