"""`python crate_checker.py CRATE`: what roc-validator finds in a crate against its profile, as JSON, without a network.

A program of its own, since roc-validator wants another Rich than Textual: PYTHONPATH leads to where it is installed.
The one document that it would fetch is the context of RO-Crate, which rocrate carries with it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import rocrate
from rocrate_validator import models, services
from rocrate_validator.utils.http import HttpRequester

CONTEXT_URI = "https://w3id.org/ro/crate/1.1/context"


class Answer:
    """What a server would answer."""

    status_code = 200
    headers = {"Content-Type": "application/ld+json"}  # noqa: RUF012 - as of a response
    text = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").read_text("utf-8")
    content = text.encode()

    def json(self) -> Any:
        return json.loads(self.text)


def _get(requester: object, url: str, **options: object) -> Answer:
    assert url == CONTEXT_URI, f"it would fetch {url}"
    return Answer()


HttpRequester.get = _get

result = services.validate(
    services.ValidationSettings(
        rocrate_uri=sys.argv[1],
        profile_identifier="process-run-crate",
        requirement_severity=models.Severity.RECOMMENDED,
        offline=True,
    )
)
found = [[issue.severity.name, issue.check.identifier, issue.message] for issue in result.get_issues()]
print(json.dumps({"checks": len(result.executed_checks), "skipped": len(result.skipped_checks), "issues": found}))
