"""Bytes that nobody meant: each target takes any input and raises nothing but what its contract names.

`python -m tests.fuzz.run TARGET [SECONDS] [SEED]` goes on for as long as one likes, with atheris where it is installed.
"""
