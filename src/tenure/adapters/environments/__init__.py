"""A model's environment from outside to blobs and back: find and capture an interpreter, lock, fetch, rebuild.

It knows uv, pip's settings and archives; it knows no model. Nothing here keeps a download address. Start with
`environments.py`.
"""
