"""An experiment as a Process Run Crate, which other programs and archives read: each run an action on its instance.

Profile: https://w3id.org/ro/wfrun/process/0.5, on RO-Crate 1.1. The crate holds the code, the batch, where every run
stands, what each start recorded, and the logs if they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from pyalma_tui import __version__
from pyalma_tui.errors import UsageError
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.code import Code
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.words import plural
from pyalma_tui.report.export import encoded, pieces
from pyalma_tui.report.facts import facts_of
from pyalma_tui.store.inputs import Input
from pyalma_tui.store.kept_code import read_code, text_of
from pyalma_tui.store.layout import log_of, log_path, session_record
from pyalma_tui.store.session_records import SessionRecord, session_of

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
ENVIRONMENT = {"environment": "https://w3id.org/ro/terms/workflow-run#environment"}  # no term of RO-Crate 1.1
COMPLETED, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
LARGE = 10_000  # bytes of a state that stands in the table of runs alone
MISSING = "rocrate is not installed: `pip install 'pyalma-tui[crate]'`. Nothing was written"


class Contents(msgspec.Struct, frozen=True):
    """What a crate is made from: `runs` are those of instances not removed, `module` is the run module's name.

    `extra` are more files of results by their names in the crate, each with what it is.
    """

    title: str
    target: Path
    state_dir: Path
    module: str
    instances: Sequence[Instance]
    runs: Sequence[Run]
    sessions: Sequence[SessionRecord]
    inputs: Mapping[str, Input]
    with_logs: bool = False
    extra: Mapping[str, tuple[Path, str]] = {}


def make_crate(contents: Contents, scratch: Path) -> ROCrate:
    """The crate, still in memory; `scratch` is an empty folder for what is made for it, kept until it is written.

    Raises UsageError if rocrate is not installed, OSError.
    """
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise UsageError(f"export: {MISSING}") from error
    return _Making(contents, scratch, ROCrate(version="1.1")).crate


class _Making:
    def __init__(self, contents: Contents, scratch: Path, crate: ROCrate) -> None:
        from rocrate.model.contextentity import ContextEntity

        self.crate = crate
        self._entity = ContextEntity
        self._contents = contents
        self._scratch = scratch
        self._known: set[str] = set()
        self._agents = {record.session: self._agent(record) for record in contents.sessions}
        self._describe()
        results = self._results()
        called = [run for run in contents.runs if run.began is not None]
        codes = {identity: self._code(identity) for identity in dict.fromkeys(run.module for run in called)}
        if called:
            crate.root_dataset["mentions"] = _alone([self._action(run, codes[run.module], results) for run in called])

    def _add(self, identifier: str, kind: str, /, **properties: Any) -> dict[str, str]:
        """A contextual entity, once; the reference to it."""
        if identifier not in self._known:
            self._known.add(identifier)
            told = {name: _alone(_spelled(value)) for name, value in properties.items() if value != []}
            self.crate.add(self._entity(self.crate, identifier, properties={"@type": kind, **told}))
        return {"@id": identifier}

    def _file(self, source: Path, identifier: str, form: str, what: str, **properties: Any) -> dict[str, str]:
        told = {"name": what, "encodingFormat": form, "contentSize": str(source.stat().st_size), **properties}
        return {"@id": self.crate.add_file(source, _spelled(identifier), properties=_spelled(told)).id}

    def _made(self, name: str, texts: Iterable[str | bytes], form: str, what: str) -> dict[str, str]:
        """A file that is made for the crate."""
        path = self._scratch / name
        with path.open("wb") as file:
            file.writelines(map(encoded, texts))
        return self._file(path, name, form, what)

    # --- the whole ---------------------------------------------------------------------------------------------------

    def _describe(self) -> None:
        contents, root = self._contents, self.crate.root_dataset
        done = sum(isinstance(run.status, s.Done) for run in contents.runs)
        counted = f"{done:,} of {plural(len(contents.runs), 'run')} done"
        self.crate.name = title = _spelled(contents.title)
        instances = plural(len(contents.instances), "instance")
        self.crate.description = f"{title}: {counted}, on {instances}, by pyalma-tui {__version__}"
        self.crate.metadata.extra_terms.update(ENVIRONMENT)
        root["conformsTo"] = self._add(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
        root["license"] = self._add(
            "#license",
            "CreativeWork",
            name="no license is stated",
            description="Ask the authors before you use this; they may state a license here.",
        )
        if self._agents:
            root["author"] = _alone(list({each["@id"]: each for each in self._agents.values()}.values()))
        self._made("batch.json", self._batch(), "application/json", "the instances, in their order")
        if contents.target.suffix == ".experiment":
            self._file(contents.target, contents.target.name, "application/json", "the experiment as it was written")
        for record in contents.sessions:
            path = session_record(contents.state_dir, record.session)
            what = f"start {record.session}: where and with what it ran"
            self._file(path, f"sessions/{path.name}", "application/json", what)

    def _agent(self, record: SessionRecord) -> dict[str, str]:
        name = record.user or "unknown"
        return self._add(f"#user-{_fragment(name)}", "Person", name=name)

    def _batch(self) -> Iterator[bytes]:
        opening = b"["
        for each in self._contents.instances:
            facts = {"id": each.id, "name": each.label, "file": each.file or None, "in_batch": each.in_batch}
            data = None if each.data is None else msgspec.Raw(each.data)
            yield opening + jsontext.encode(facts | {"data": data})
            opening = b",\n "
        yield b"]\n" if opening != b"[" else b"[]\n"

    def _results(self) -> list[dict[str, str]]:
        contents = self._contents
        found = []
        for name, form in (("runs.csv", "text/csv"), ("runs.json", "application/json")):
            texts = pieces(facts_of(contents.instances, contents.runs), "csv" if name.endswith("csv") else "json")
            found.append(self._made(name, texts, form, "where every run stands, with its last state"))
        for name, (path, what) in contents.extra.items():
            found.append(self._file(path, name, _form(name), what))
        return found

    # --- code --------------------------------------------------------------------------------------------------------

    def _code(self, identity: str) -> dict[str, str]:
        """The instrument of the runs that were called with this code."""
        contents = self._contents
        code = read_code(contents.state_dir, identity, contents.module) if identity else Code(contents.module, {})
        parts = [part for name, digest in code.files.items() for part in self._text(name, digest)]
        record = next((each for each in reversed(contents.sessions) if each.code in (identity, code.base)), None)
        properties: dict[str, Any] = {"name": code.module, "version": identity or "unknown", "hasPart": parts}
        properties["programmingLanguage"] = self._python(record)
        properties["softwareRequirements"] = [*self._requirements(record)]
        if record is not None and record.git is not None and record.git.commit:
            dirty = ", with changes that are in its session's record" if record.git.dirty else ""
            properties["description"] = f"commit {record.git.commit}{dirty}"
        return self._add(f"#code-{identity or 'unknown'}", "SoftwareSourceCode", **properties)

    def _text(self, name: str, digest: str) -> Iterator[dict[str, str]]:
        identifier = f"code/{digest}/{name}"
        if identifier in self._known:
            yield {"@id": self.crate.get(_quoted(identifier)).id}
            return
        text = text_of(self._contents.state_dir, digest)
        if text is None:  # compiled, or edited before it could be kept
            return
        self._known.add(identifier)
        path = self._scratch / f"{digest}.py"
        path.write_bytes(text)
        yield self._file(path, identifier, "text/x-python", name, version=digest)

    def _python(self, record: SessionRecord | None) -> dict[str, str]:
        version = record.python if record is not None else "unknown"
        url = "https://www.python.org/"
        return self._add(f"#python-{version}", "ComputerLanguage", name="Python", version=version, url=url)

    def _requirements(self, record: SessionRecord | None) -> Iterator[dict[str, str]]:
        """Versions of what it needs: one entity for each."""
        needed = {"pyalma-tui": record.pyalma_tui if record is not None else __version__}
        for name, version in (needed | (record.distributions if record is not None else {})).items():
            identifier = f"#{_fragment(name)}-{_fragment(version)}"
            yield self._add(identifier, "SoftwareApplication", name=name, softwareVersion=version)

    # --- runs --------------------------------------------------------------------------------------------------------

    def _action(self, run: Run, code: dict[str, str], results: Sequence[dict[str, str]]) -> dict[str, str]:
        """The last attempt of a run as an action."""
        contents = self._contents
        instance = contents.instances[run.instance]
        name, host = f"{instance.label}#{run.iteration}", run.host or "a host that is not known"
        seed = self._add(f"#seed-{run.id}", "PropertyValue", name="seed", value=str(run.seed))
        properties: dict[str, Any] = {
            "name": f"run of {name}",
            "description": f"attempt {run.called} on {host}, {plural(run.saves, 'save')} in all attempts",
            "instrument": code,
            "object": [self._instance(instance), seed],
            "result": [*self._state(run, name), *results],
            "startTime": _utc(run.began or 0.0),
        }
        record = session_of(contents.sessions, run.began or 0.0)
        if record is not None:
            properties["agent"] = self._agents[record.session]
            if record.environment:
                properties["environment"] = [*self._environment(record)]
        match run.status:
            case s.Done(at=at):
                properties |= {"endTime": _utc(at), "actionStatus": COMPLETED}
            case s.Failed(error=error, at=at):
                properties |= {"endTime": _utc(at), "actionStatus": FAILED, "error": error.message}
            case s.Interrupted(why=why, at=at):
                properties |= {"endTime": _utc(at), "actionStatus": FAILED, "error": f"interrupted: {why}"}
        if contents.with_logs and (found := list(self._logs(run, name))):
            properties["subjectOf"] = found
        return self._add(f"#run-{run.id}", "CreateAction", **properties)

    def _environment(self, record: SessionRecord) -> Iterator[dict[str, str]]:
        for name, value in record.environment.items():
            yield self._add(f"#{name}={_fragment(value)}", "PropertyValue", name=name, value=value)

    def _instance(self, instance: Instance) -> dict[str, str]:
        identifier = f"#instance-{instance.id}"
        if identifier in self._known:
            return {"@id": identifier}
        properties: dict[str, Any] = {"name": instance.label}
        if instance.data is not None:
            properties["value"] = instance.data.decode("utf-8", "replace")
        if not instance.file:
            return self._add(identifier, "PropertyValue", **properties)
        properties["identifier"] = instance.file
        if (known := self._contents.inputs.get(instance.file)) is not None:
            properties["size"] = f"{known.size} B"
            if known.digest:
                properties["sha256"] = known.digest
        if "value" in properties:
            properties["text"] = properties.pop("value")
        return self._add(identifier, "CreativeWork", **properties)

    def _state(self, run: Run, name: str) -> Iterator[dict[str, str]]:
        if run.state is None or len(run.state) > LARGE:
            return
        value = run.state.decode("utf-8", "replace")
        yield self._add(f"#state-{run.id}", "PropertyValue", name=f"last state of {name}", value=value)

    def _logs(self, run: Run, name: str) -> Iterator[dict[str, str]]:
        for attempt in range(1, run.attempt + 1):
            path = log_path(self._contents.state_dir, run.id, attempt)
            if path.is_file() and not path.is_symlink():
                yield self._file(
                    path, log_of(run.id, attempt), "text/plain", f"what attempt {attempt} of {name} printed"
                )


def _alone(value: Any) -> Any:
    """The one value of a list that has only one, as RO-Crate 1.1 wants it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _spelled(value: Any) -> Any:
    """The value with what UTF-8 has nothing for spelled out, as in the name of a file of another encoding."""
    if isinstance(value, str):
        return encoded(value).decode()
    if isinstance(value, Mapping):
        return {name: _spelled(each) for name, each in value.items()}
    return [_spelled(each) for each in value] if isinstance(value, list) else value


def _utc(at: float) -> str:
    """The moment as the profile wants it: milliseconds at most, and an offset."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _fragment(text: str) -> str:
    """The text as it may stand in the name of an entity."""
    return _quoted(text).replace("/", "%2F")


def _quoted(text: str) -> str:
    return quote(_spelled(text))


def _form(name: str) -> str:
    return {".csv": "text/csv", ".json": "application/json", ".jsonl": "application/x-ndjson"}.get(
        Path(name).suffix, "application/octet-stream"
    )
