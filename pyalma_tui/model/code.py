"""What tells versions of code apart: that of a run module, and of all that it imports from beside it."""

from __future__ import annotations

import hashlib

import msgspec


class Code(msgspec.Struct, frozen=True):
    """The files that were imported: `files` tells the hash of each by its name, seen from where the module's imports
    begin; `module` is the name of the run module among them, `base` the identity before a run imported more, else "".
    """

    module: str
    files: dict[str, str]
    base: str = ""

    @property
    def identity(self) -> str:
        """The hash of the module's text if it stands alone, else that of all names and hashes, in their order."""
        if len(self.files) == 1:
            return self.files[self.module]
        lines = [f"{name}\0{digest}\n" for name, digest in sorted(self.files.items())]
        return code_hash("".join([f"{self.module}\n", *lines]).encode("utf-8", "surrogatepass"))


def code_hash(code: bytes) -> str:
    """The hash of a file's content: 12 hexadecimal digits of SHA-256."""
    return hashlib.sha256(code).hexdigest()[:12]


def alone(module: str, digest: str) -> Code:
    """The code of a module that imports nothing from beside it, or of which nothing else is known."""
    return Code(module, {module: digest})


def is_source(name: str) -> bool:
    """Whether the text of a file with this name is kept: that of compiled ones is not."""
    return name.endswith(".py")
