"""What tells versions of a run module's code apart."""

from __future__ import annotations

import hashlib


def code_hash(code: bytes) -> str:
    """The hash of a run module's text: 12 hexadecimal digits of SHA-256."""
    return hashlib.sha256(code).hexdigest()[:12]
