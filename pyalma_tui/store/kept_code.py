"""The copies of what runs were called with: each content once, so that later workers run the same code.

`code/<hash>.py` is a text. `code/<identity>.json` tells of a code of several files which hash each had; a module that
imports nothing from beside it needs none: its text is named by its identity.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.code import Code, alone, code_hash, is_source
from pyalma_tui.store.disk import make_folder, open_regular, read_regular
from pyalma_tui.store.layout import MANIFEST, code_copy, code_folder, manifest

HASH = re.compile("[0-9a-f]{12}")


class KeptCode(msgspec.Struct, frozen=True):
    """Where the copies are, and what they say, for the case that somebody removes them."""

    state_dir: Path
    code: Code
    texts: dict[str, bytes]

    @property
    def path(self) -> Path:
        """The copy of the module."""
        return code_copy(self.state_dir, self.code.files[self.code.module])

    @property
    def manifest(self) -> str:
        """The path of what tells the copies of all files, "" if there is only the module."""
        return str(manifest(self.state_dir, self.code.identity)) if len(self.code.files) > 1 else ""

    def write(self, umask: int) -> None:
        """Put the files there that are not; raises OSError."""
        make_folder(code_folder(self.state_dir), umask)
        for name, text in self.texts.items():
            _write(code_copy(self.state_dir, self.code.files[name]), text, umask)
        if len(self.code.files) > 1:
            _write(Path(self.manifest), jsontext.encode(self.code) + b"\n", umask)


def _write(path: Path, content: bytes, umask: int) -> None:
    with suppress(FileNotFoundError):
        if os.lstat(path).st_size == len(content):  # its name is its hash: a torn one is shorter
            return
    with os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT, umask), "wb") as file:
        file.truncate()
        file.write(content)


def keep_code(state_dir: Path, root: Path, code: Code, umask: int) -> KeptCode | None:
    """The texts as they were loaded, kept; `root` is what their names are seen from.

    None where that of the module cannot be: workers read the module itself then. What else cannot be kept is left out.
    Raises OSError where something that is no file of ours has its name, or may not be read.
    """
    texts = {}
    for name, digest in code.files.items():
        text = _kept_or_read(state_dir, root / name, digest) if is_source(name) else None
        if text is not None:
            texts[name] = text
    if code.module not in texts:
        return None
    kept = KeptCode(state_dir, code, texts)
    try:
        kept.write(umask)
    except OSError:
        return None
    return kept


def _kept_or_read(state_dir: Path, file: Path, digest: str) -> bytes | None:
    if (text := text_of(state_dir, digest)) is not None:
        return text
    try:
        text = file.read_bytes()
    except OSError:
        return None
    return text if code_hash(text) == digest else None  # edited since a moment ago: no copy is better than a wrong one


def text_of(state_dir: Path, digest: str) -> bytes | None:
    """The kept text whose hash this is, None if there is none; raises OSError for what is no file of ours."""
    if not HASH.fullmatch(digest):
        return None
    with suppress(FileNotFoundError):
        text = read_regular(code_copy(state_dir, digest))
        if code_hash(text) == digest:
            return text
    return None


def texts_of(state_dir: Path, code: Code) -> dict[str, bytes]:
    """The texts of a code by the names of its files, without those that are not kept; raises OSError as `text_of`."""
    found = {name: text_of(state_dir, digest) for name, digest in code.files.items()}
    return {name: text for name, text in found.items() if text is not None}


def read_code(state_dir: Path, identity: str, module: str) -> Code:
    """The code of this identity; `module` is the name of a module that stands alone, or of which nothing is known.

    Raises OSError for what is no file of ours.
    """
    with suppress(FileNotFoundError, msgspec.DecodeError):
        if HASH.fullmatch(identity):
            code: Code = jsontext.decode_as(read_regular(manifest(state_dir, identity)), Code)
            if code.module in code.files and code.identity == identity and not any(map(_leads_out, code.files)):
                return code
    return alone(module, identity)


def _leads_out(name: str) -> bool:
    return os.path.isabs(name) or ".." in Path(name).parts


def kept_texts(path: Path) -> dict[str, bytes]:
    """The texts that a manifest tells of, as far as they are there; raises OSError."""
    try:
        code: Code = jsontext.decode_as(read_regular(path), Code)
    except msgspec.DecodeError:
        return {}
    found = texts_of(path.parent.parent, code)
    return {name: text for name, text in found.items() if is_source(name)}


def grown_from(state_dir: Path, base: str) -> Iterator[str]:
    """The identities of this code, and of all that runs have made of it by importing more."""
    yield base
    for name in _listed(code_folder(state_dir)):
        identity = name.removesuffix(MANIFEST)
        if identity != name and base and read_code(state_dir, identity, "").base == base:
            yield identity


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def texts_now(root: Path, names: Iterable[str]) -> dict[str, bytes]:
    """What these files hold now, without those that cannot be read."""
    found = {}
    for name in names:
        with suppress(OSError):
            found[name] = (root / name).read_bytes()
    return found
