"""What an application is, as its admins write it in `application.yaml`, and every change of it as a numbered revision.

A revision is never changed. Start with `terms.py` (the parts), then `definition.py` (text to parts) and `actions.py`.
"""
