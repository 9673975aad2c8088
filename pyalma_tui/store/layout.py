"""Every path in a state directory: each name is here and nowhere else.

db.json, db.json.bak, db.json.tmp      the checkpoint, the one before, one that is being written
journal/<session>-<writer>-<n>.jsonl   append-only segments, one writer each
rows/<session>-<writer>-<n>.jsonl      rows of results, append-only, one writer each
logs/<run>/<attempt>.log, logs/done/<call>.log, logs/load/<import>.log
logs/<run>/<attempt>.times, logs/done/<call>.times   when what they hold arrived
code/<hash>.py, code/<identity>.json   what was run; which texts made up the code of a run
sessions/<session>.json                where, how and with what each start ran
sessions/inputs.json                   how large and how old instance files were
session.log, crash.log, lock
leases                                 until when workers on other hosts may live
screen.filter                          what the list on the screen was filtered by
series.json                            samples of numbers that runs saved, for plots
"""

from __future__ import annotations

import re
from pathlib import Path

DATABASE = "db.json"
BACKUP = "db.json.bak"
TEMPORARY = ".tmp"  # behind the name of what is being written
JOURNAL, ROWS, LOGS, CODE, SESSIONS = "journal", "rows", "logs", "code", "sessions"
INPUTS = "inputs.json"
MANIFEST = ".json"
LOCK, SESSION_LOG, CRASH_LOG, FILTER = "lock", "session.log", "crash.log", "screen.filter"
SERIES = "series.json"
LEASES = "leases"
DONE_LOGS, LOAD_LOGS = "done", "load"
FIRST_LOAD_LOG = "first.log"
SUFFIX = ".jsonl"
SEGMENT = re.compile(r"[0-9]{6,18}-[a-z]+[0-9]{0,18}-[0-9]{4,18}\.jsonl")


def database(state_dir: Path) -> Path:
    """The checkpoint, a TinyDB file."""
    return state_dir / DATABASE


def backup(state_dir: Path) -> Path:
    """The checkpoint before the last one."""
    return state_dir / BACKUP


def journal(state_dir: Path) -> Path:
    """The folder of the segments."""
    return state_dir / JOURNAL


def rows(state_dir: Path) -> Path:
    """The folder of the files of rows."""
    return state_dir / ROWS


def lock(state_dir: Path) -> Path:
    """The file that whoever runs the experiment has locked."""
    return state_dir / LOCK


def leases(state_dir: Path) -> Path:
    """The file that says until when workers on other hosts may live."""
    return state_dir / LEASES


def session_log(state_dir: Path) -> Path:
    """What was done when, a line each."""
    return state_dir / SESSION_LOG


def crash_log(state_dir: Path) -> Path:
    """The traceback of a defect of the screen."""
    return state_dir / CRASH_LOG


def screen_filter(state_dir: Path) -> Path:
    """What the list on the screen was filtered by when it was left."""
    return state_dir / FILTER


def series(state_dir: Path) -> Path:
    """Samples of the numbers that runs saved, and of what workers took."""
    return state_dir / SERIES


def code_folder(state_dir: Path) -> Path:
    """The folder of what was run."""
    return state_dir / CODE


def code_copy(state_dir: Path, digest: str) -> Path:
    """A copy of the text whose hash this is."""
    return state_dir / CODE / f"{digest}.py"


def manifest(state_dir: Path, identity: str) -> Path:
    """What tells the files of a code."""
    return state_dir / CODE / f"{identity}{MANIFEST}"


def sessions(state_dir: Path) -> Path:
    """The folder of what is known of each start."""
    return state_dir / SESSIONS


def session_record(state_dir: Path, session: int) -> Path:
    """What is known of one start."""
    return state_dir / SESSIONS / f"{session:06d}.json"


def inputs(state_dir: Path) -> Path:
    """How large and how old instance files were, and what they held."""
    return state_dir / SESSIONS / INPUTS


# --- logs --------------------------------------------------------------------------------------------------------


def logs(state_dir: Path) -> Path:
    """The folder of all outputs: one folder for each run, one for done(), one for imports."""
    return state_dir / LOGS


def log_name(number: int) -> str:
    """How the log of an attempt, or of a call of done(), is named."""
    return f"{number}.log"


def log_number(name: str) -> int | None:
    """The number that names a log, or the folder of a run's logs; None if it is neither."""
    stem = name.removesuffix(".log")
    return int(stem) if stem.isdecimal() else None


def log_of(run: int, attempt: int) -> str:
    """Where the output of an attempt is, seen from the state directory."""
    return f"{LOGS}/{run}/{attempt}.log"  # put together as text: asked thousands of times a second


def log_path(state_dir: Path, run: int, attempt: int) -> Path:
    """Where the output of an attempt is."""
    return Path(f"{state_dir}/{log_of(run, attempt)}")


def done_log_path(state_dir: Path, call: int) -> Path:
    """Where the output of the `call`-th call of done() is."""
    return state_dir / LOGS / DONE_LOGS / log_name(call)


def times_of(log: Path | str) -> str:
    """Where it stands when the output in a log arrived."""
    return f"{str(log).removesuffix('.log')}.times"


def load_log_dir(state_dir: Path) -> Path:
    """Where the outputs of imports of the run module are, one file for each worker."""
    return state_dir / LOGS / LOAD_LOGS


def load_log_name(session: int, launch: int) -> str:
    """How the log of the import by the `launch`-th worker of a session is named."""
    return f"{session:06d}-{launch:03d}.log"


def agent_log_name(session: int, number: int) -> str:
    """How the log of the import by a later agent of a session is named."""
    return f"{session:06d}-agent{number}.log"


# --- segments ----------------------------------------------------------------------------------------------------


def segment_name(session: int, writer: str, number: int) -> str:
    """`000002-w003-0001.jsonl`: the session, who writes, and its how-manieth segment."""
    return f"{session:06d}-{writer}-{number:04d}{SUFFIX}"


def next_segment(name: str) -> str:
    """The name of the segment that its writer goes on in."""
    stem, _, number = name.removesuffix(SUFFIX).rpartition("-")
    return f"{stem}-{int(number) + 1:04d}{SUFFIX}"


def number_of(segment: str) -> int:
    """The how-manieth of its writer it is."""
    return int(segment.removesuffix(SUFFIX).rpartition("-")[2])


def session_of(segment: str) -> int:
    """The session that wrote this segment."""
    return int(segment.partition("-")[0])


def writer_of(segment: str) -> str:
    """Who wrote this segment."""
    return segment.split("-")[1]


def aside_name(segment: str, why: str, moment: str) -> str:
    """The second name of a segment that is kept whatever the checkpoint contains; `moment` as `20260131-235959`."""
    return f"{segment}.{why}-{moment}"
