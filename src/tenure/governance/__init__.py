"""Who may do what, and what was done: roles and tokens, the policy of approvals, the audit chain.

It knows the names of the actions but nothing of what they act on, and never reads a file or a database: those stand
behind `ports.py`. Start with `access.py`.
"""
