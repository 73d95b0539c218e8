"""Between the wire and the actions: each function takes an action's input, does it, and gives its answer.

Nothing is decided here. One module per noun of the table in `app/actions.py`.
"""
