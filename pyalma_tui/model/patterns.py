"""Regular expressions that people type: which take for ever, and how far into a text each may look.

`re` tries all ways to match before it gives up, and nothing can stop it meanwhile, not even ctrl+c.
"""

from __future__ import annotations

import re
from typing import Final

FAR: Final = 8192  # characters of a text in which a pattern is looked for: `.*x` takes their square,
NEAR: Final = 1024  # and one with more repetitions a higher power, if there is nothing between them:
NEARER: Final = {2: 512, 3: 128, 4: 64}  # so many that follow each other take 0.2 s at most
NEAREST: Final = 32

_REPEATED = re.compile(r"\)[*+{]")  # a group that may come several times
_ENDLESS = re.compile(r"(?<!\\)(?:[*+]|\{[0-9]*,)")
_NAMED = re.compile(r"\(\?(?::|P<\w+>)")
_MANY = re.compile(r"[*+?|{]")
_GROUPS = re.compile(r"(?<!\\)(?:\(|\)\??)")
_ATOM = r"(?:\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[^\\\[|])"
_IN_A_ROW = re.compile(rf"(?:{_ATOM}(?:[*+]|\{{[0-9]*,[0-9]*\}})[?+]?(?:{_ATOM}\?)*){{2,}}")


def may_explode(pattern: str) -> bool:
    """Whether a group that is repeated has a repetition or a choice in it: it may try 2 to the length of a text."""
    pattern = _NAMED.sub("(", pattern)
    return any(_MANY.search(pattern, pattern.find("("), found.start()) for found in _REPEATED.finditer(pattern))


def reach(pattern: str) -> int:
    """The characters of a text in which it is looked for, so that a text takes no longer than a moment."""
    if len(_ENDLESS.findall(pattern)) <= 1:
        return FAR
    flat = _GROUPS.sub("", _NAMED.sub("(", pattern))
    rows = (len(_ENDLESS.findall(found[0])) for found in _IN_A_ROW.finditer(flat))
    most = max(rows, default=1)
    return NEAR if most < 2 else NEARER.get(most, NEAREST)
