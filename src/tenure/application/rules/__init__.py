"""Business rules: conditions in CEL, typed against the fields they read, and evaluated with a verdict for each.

Conditions are parsed and typed here and compiled to closures; the Rust CEL engine is the oracle of the tests. Nothing
here reads a file or knows where a value came from. Start with `ruleset.py`, then `expressions.py`.
"""
