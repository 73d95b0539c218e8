"""Put a file into the pull request as a comment, in the place of the one that an earlier run left.

    GITHUB_TOKEN=… GITHUB_REPOSITORY=owner/name python comment.py work/evidence/comment.md --pull-request 7

`GITHUB_API_URL` names another server, as GitHub's own runners set it.
"""

import argparse
import json
import os
import sys
import urllib.request
from pathlib import Path

#: what no reader sees, and by which a later run finds its own comment
MARK = "<!-- tenure evidence -->"


def main(arguments=None):
    """Post or replace the comment; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--pull-request", type=int, required=True)
    asked = parser.parse_args(arguments)
    issues = f"{os.environ['GITHUB_API_URL']}/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    comments = f"{issues}/{asked.pull_request}/comments"
    body = {"body": f"{MARK}\n{asked.file.read_text()}"}
    mine = next((one for one in every(comments) if one["body"].startswith(MARK)), None)
    mine_at = None if mine is None else f"{issues}/comments/{mine['id']}"
    made = call("PATCH", mine_at, body) if mine_at else call("POST", comments, body)
    print(made["html_url"])
    return 0


def every(address):
    """Return all comments, page by page."""
    page = 1
    while found := call("GET", f"{address}?per_page=100&page={page}"):
        yield from found
        page += 1


def call(verb, address, body=None):
    """Return the answer's document."""
    request = urllib.request.Request(address, None if body is None else json.dumps(body).encode(), method=verb)
    request.add_header("Authorization", f"Bearer {os.environ['GITHUB_TOKEN']}")
    request.add_header("Accept", "application/vnd.github+json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
