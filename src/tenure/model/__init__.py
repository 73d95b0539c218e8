"""The ML model: many versions with short lives, from package to archive.

The stages (packaging, registry, deployment, monitoring, decommissioning, archiving) are strangers to each other: they
share the words of `version.py`, `package.py` and `lifecycle.py` and meet in `reactions.py`. Nothing here knows of an
application. Start with `lifecycle.py`.
"""
