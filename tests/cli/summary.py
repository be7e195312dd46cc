"""The rows of a summary, as the command line lays them out."""


def row(label: str, value: str, note: str = "") -> str:
    """Return the line of a label, its value and its note."""
    return f"  {label:<13}{value:<11}{note}".rstrip()
