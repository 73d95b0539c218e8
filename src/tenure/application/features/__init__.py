"""Feature views: named columns by key, read as of now or as of any past moment.

Nothing here opens a database: `ports.py` says what a store must do, `adapters/features/` does it. Start with
`view.py`.
"""
