"""What both lives know of each other, and nothing else: schemas, the port `Predictor`, and the records of the log.

It never reads a file, opens a socket or asks the time. Start with `schema.py`.
"""
