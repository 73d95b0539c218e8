"""What only both lives together can answer: an old decision made again, explained, and written up with all that is known.

It never changes a record and asks no live service. Start with `replay.py`; `explaining.py` goes the same way and asks
the version about more rows; `dossiers.py` gathers both and everything else into one signed page.
"""
