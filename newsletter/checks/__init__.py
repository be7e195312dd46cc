"""Find what would embarrass the newsletter before it is sent: one function a check, in a module of its own.

A check reads a `Proof` and yields every problem that it finds; only the caller stops. Each problem has a
severity, which newsletter.yml may change by the check's name. Reports show the first line of its docstring.
"""
