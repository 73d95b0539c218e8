"""What only both lives together can answer: an old decision made again, with its revision and its version.

It never changes a record and asks no live service; start with `replay.py`.
"""
