"""Find problems in an issue and its mail before it is sent; each check is one function.

A check reads a `Proof` and yields every problem that it finds; only the caller stops. Each problem has a
severity, which newsletter.yml may change by the check's name. Reports show the first line of the check's
docstring.
"""
