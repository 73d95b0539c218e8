"""Keeping a version so that it can be run again in years: proof of a restore, a second copy, retention, verification.

It repackages nothing: the sealed package is the archive. Blobs and environments stand behind `ports.py`.
Start with `actions.py`.
"""
