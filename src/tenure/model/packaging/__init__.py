"""A model, its resources and its environment become one sealed package that runs alone.

Everything a version will ever be is decided here, before it has a number: what it takes and gives, how it is called,
in which batch form its bits hold. It starts workers through `serving` and never deploys one; it takes blobs,
environments and keys through `ports.py`. Start with `actions.py`; the format is docs/formats/package.md.
"""
