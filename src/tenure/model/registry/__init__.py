"""Which models and versions there are, what is known of each, and what served when.

It gives numbers, never twice, and tells history; it moves no alias and starts nothing. Start with `record.py`.
"""
