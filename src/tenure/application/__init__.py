"""The ML application: its definition and every change of it, its features and rules, and one decision after another.

It lives long and changes by revisions. It sees a model only as `contract.Predictor` and never imports `tenure.model`.
Start with `revisions/terms.py` (what `application.yaml` says) and `decisions/deciding.py` (what becomes of a request).
"""
