"""The agent: what it forks, what it shares with its forks, what it leaves to them, and what it sweeps."""

from __future__ import annotations

import gzip
import os
import select
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent

import msgspec
import psutil
import pytest

from pyalma_tui.model import messages as m
from pyalma_tui.runner.workers.local import LocalAgent, wait_until_loaded
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Assignment, Said, Service
from pyalma_tui.store.layout import segment_name
from tests.catalogue.experiment import PATIENCE, until


class Machine:
    """An agent on a module in a folder of its own, steered by hand."""

    def __init__(self, folder: Path, module: str, *, each: bool = False) -> None:
        self.folder = folder
        state_dir = folder / "m.alma"
        for name in ("journal", "logs"):
            (state_dir / name).mkdir(parents=True)
        (folder / "m.py").write_text("import os, time\n" + dedent(module))
        self.seen: list[AgentEvent] = []
        self.attempts = 0
        self.output = folder / "load.log"
        with self.output.open("wb") as output:
            self.agent = LocalAgent(folder / "m.py", output, f"a{os.getpid()}-{time.monotonic_ns()}", each=each)
        self.loaded = wait_until_loaded(self.agent, folder / "m.py", lambda seconds: None)
        lock = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT)
        self.agent.serve(Service(str(state_dir), lock, synced=False, umask=0o022))

    def wait(self, kind: type[AgentEvent], worker: int | None = None) -> AgentEvent:
        """The next event of this kind, of this worker if one is named."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for place, event in enumerate(self.seen):
                if isinstance(event, kind) and worker in (None, getattr(event, "worker", None)):
                    del self.seen[place]
                    return event
            assert time.monotonic() < deadline, (kind, worker, self.seen)
            select.select([self.agent], [], [], 1.0)
            self.seen += self.agent.receive()

    def start(self, worker: int) -> int:
        """A worker that serves; its process id."""
        self.agent.start(worker, Assignment(worker - 1, segment_name(1, f"w{worker:04d}", 1), 1 << 20, os.devnull))
        born = self.wait(m.Born, worker)
        assert isinstance(born, m.Born)
        self.wait(Said, worker)
        return born.pid

    def begin(self, worker: int, instance: str = "/a") -> None:
        """Let a worker call run()."""
        null, nothing = msgspec.Raw(b"null"), msgspec.Raw(b'""')
        self.attempts += 1
        self.agent.order(worker, m.RunOrder(1, self.attempts, 0, instance, False, null, 0, 7, nothing))

    def run(self, worker: int, instance: str = "/a") -> None:
        """Let a worker call run(), and wait for its end."""
        self.begin(worker, instance)
        self.wait(Said, worker)

    def leave(self, *workers: int) -> None:
        """Let workers end."""
        for worker in workers:
            self.agent.order(worker, m.Exit())
            gone = self.wait(m.Gone, worker)
            assert isinstance(gone, m.Gone)
            assert gone.code == 0

    def end(self) -> int:
        """Let the agent end; its exit code."""
        self.agent.end()
        gone = self.wait(AgentGone)
        assert isinstance(gone, AgentGone)
        return gone.code

    def lines(self, name: str) -> Sequence[str]:
        """The lines of a file that the module has written."""
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def machines(folder: Path) -> Iterator[list[Machine]]:
    begun: list[Machine] = []
    yield begun
    for machine in begun:
        machine.agent.discard()


def begin(machines: list[Machine], folder: Path, module: str, *, each: bool = False) -> Machine:
    machines.append(Machine(folder, module, each=each))
    return machines[-1]


def test_the_module_is_imported_once_and_its_locks_protect(machines: list[Machine], folder: Path) -> None:
    machine = begin(
        machines,
        folder,
        """
        import multiprocessing
        os.mkdir("once")
        lock, number = multiprocessing.Lock(), multiprocessing.Value("i", 0, lock=False)

        def run(instance, save, state):
            for _ in range(500):
                with lock:
                    before = number.value
                    time.sleep(0)
                    number.value = before + 1
            save(str(number.value))
        """,
    )
    workers = (1, 2, 3)
    for worker in workers:
        machine.start(worker)
    for worker in workers:
        machine.begin(worker)
    for worker in workers:
        machine.wait(Said, worker)
    journal = "".join(path.read_text() for path in (folder / "m.alma" / "journal").iterdir())
    assert '"1500"' in journal, "no step of another worker was lost"


def test_what_is_loaded_at_import_is_there_once_for_all_workers_also_after_they_have_collected_garbage(
    machines: list[Machine], folder: Path
) -> None:
    """A collection writes into each object that it looks at: into copies of all pages, were they not frozen."""
    machine = begin(
        machines,
        folder,
        """
        import gc, signal
        TABLE = [[] for _ in range(2_700_000)]

        def run(instance, save, state):
            gc.collect()
            open(instance, "w").close()
            signal.pause()
        """,
    )
    used = []
    pids = [machine.agent.pid]
    for worker in range(1, 5):
        pids.append(machine.start(worker))
        machine.begin(worker, f"{folder}/collected-{worker}")
        until((folder / f"collected-{worker}").exists, lambda: "it collects")
        used.append(sum(map(share_of_memory, pids)))
    assert used[0] > 200e6, "the table is there"
    assert used[3] <= 1.5 * used[0], used


def share_of_memory(pid: int) -> int:
    """Bytes of a process: of each page its share among those that have it (PSS)."""
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(told.partition("\nPss:")[2].split()[0]) * 1024


def test_a_module_that_waits_for_all_its_children_is_not_held_up_by_the_guard(
    machines: list[Machine], folder: Path
) -> None:
    machine = begin(
        machines,
        folder,
        """
        if os.fork() == 0:
            os._exit(0)
        try:
            while True:
                os.wait()
        except ChildProcessError:
            open("nobody is left", "w").close()
        def run(instance, save, state): pass
        """,
    )
    assert (folder / "nobody is left").exists()
    machine.start(1)
    machine.run(1)
    machine.leave(1)


def test_each_worker_imports_by_itself_where_that_is_asked_for(machines: list[Machine], folder: Path) -> None:
    module = 'open("imports", "a").write("x\\n")\ndef run(instance, save, state): pass\n'
    machine = begin(machines, folder, module, each=True)
    for worker in (1, 2):
        machine.start(worker)
        machine.run(worker)
    machine.leave(1, 2)
    assert len(machine.lines("imports")) == 3, "once to look at it, once in each worker"


def test_a_thread_that_runs_after_the_import_makes_workers_import_by_themselves(
    machines: list[Machine], folder: Path
) -> None:
    machine = begin(
        machines,
        folder,
        """
        import threading
        threading.Thread(target=time.sleep, args=(600,), daemon=True, name="poller").start()
        def run(instance, save, state): open("told", "a").write(str(threading.active_count()) + "\\n")
        """,
    )
    assert "poller" in machine.loaded.unforkable
    machine.start(1)
    machine.run(1)
    assert machine.lines("told") == ["2"], "the thread lives in the worker; the one that listens is none of Python's"


def test_what_the_import_made_ends_with_the_agent_and_what_a_run_made_with_its_worker(
    machines: list[Machine], folder: Path
) -> None:
    machine = begin(
        machines,
        folder,
        """
        import atexit, gzip, tempfile
        def tell(text):
            with open("told", "a") as file:
                file.write(f"{text} {os.getpid()}\\n")
        class Made:
            def __init__(self, by): self.by = by
            def __del__(self): tell("finalized " + self.by)
        folder = tempfile.TemporaryDirectory()
        atexit.register(tell, "exit of the module")
        kept, mine = [], Made("module")
        results = open("results.csv", "a")
        results.write("header\\n")

        def run(instance, save, state):
            global packed
            assert os.path.isdir(folder.name)
            results.write(instance + "\\n")
            kept.append(Made("run"))
            packed = gzip.open("packed.gz", "wb")
            packed.write(b"whole")
            atexit.register(tell, "exit of the run")
        """,
    )
    first, second = machine.start(1), machine.start(2)
    machine.run(1, "/a")
    machine.leave(1)
    machine.run(2, "/b")
    machine.leave(2)
    ends = [f"{what} {pid}" for pid in (first, second) for what in ("exit of the run", "finalized run")]
    assert sorted(machine.lines("told")) == sorted(ends)
    assert machine.lines("results.csv") == ["header", "/a", "/b"], "what was buffered at the fork is there once"
    assert gzip.decompress((folder / "packed.gz").read_bytes()) == b"whole"
    assert machine.end() == 0
    assert [line.rpartition(" ")[0] for line in machine.lines("told")][4:] == ["exit of the module"]


LEAVES = """
import subprocess
def run(instance, save, state):
    clean = {name: value for name, value in os.environ.items() if "PYALMA" not in name}
    for new_session in (False, True):
        for environment in (None, clean):
            child = subprocess.Popen(["sleep", "600"], start_new_session=new_session, env=environment)
            open("children", "a").write(f"{child.pid}\\n")
    if os.fork() == 0:
        os.setsid()
        open("children", "a").write(f"{os.getpid()}\\n")
        time.sleep(600)
    while len(open("children").readlines()) < 5:
        time.sleep(0.01)
    open("ready", "w").close()
    if instance == "/stays":
        time.sleep(600)
"""


def living(machine: Machine) -> list[int]:
    return [int(pid) for pid in machine.lines("children") if psutil.pid_exists(int(pid))]


def test_what_a_killed_worker_has_started_is_gone_when_its_death_is_told(machines: list[Machine], folder: Path) -> None:
    machine = begin(machines, folder, LEAVES)
    pid = machine.start(1)
    machine.begin(1, "/stays")
    until((folder / "ready").exists, lambda: "it has started all")
    assert len(living(machine)) == 5
    os.kill(pid, signal.SIGKILL)
    gone = machine.wait(m.Gone, 1)
    assert isinstance(gone, m.Gone)
    assert gone.code == -signal.SIGKILL
    assert not living(machine)


def test_what_a_worker_leaves_behind_gets_a_moment_and_is_killed(machines: list[Machine], folder: Path) -> None:
    machine = begin(machines, folder, LEAVES)
    machine.start(1)
    machine.run(1)
    machine.leave(1)
    machine.wait(m.LeftBehind, 1)
    assert not living(machine)


@pytest.mark.parametrize("victim", ["agent", "runner's end"])
def test_nothing_outlives_the_agent(machines: list[Machine], folder: Path, victim: str) -> None:
    machine = begin(machines, folder, LEAVES)
    pid = machine.start(1)
    machine.begin(1, "/stays")
    until((folder / "ready").exists, lambda: "it has started all")
    marked = [each for each in map(int, machine.lines("children")) if "PYALMA_TUI_WORKER" in environment(each)]
    assert len(marked) == 3
    agent = psutil.Process(pid).parent()
    assert agent is not None
    if victim == "agent":
        agent.kill()
    else:
        machine.agent.close()
    until(lambda: not any(map(lives, (pid, *marked))), lambda: f"{living(machine)} live")


def lives(pid: int) -> bool:
    """Whether it runs: where a test before has made this process a subreaper, what has ended waits for us for ever."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


def test_a_stopped_worker_is_told_and_that_it_goes_on(machines: list[Machine], folder: Path) -> None:
    machine = begin(machines, folder, "def run(instance, save, state): time.sleep(600)\n")
    pid = machine.start(1)
    machine.begin(1)
    os.kill(pid, signal.SIGSTOP)
    assert machine.wait(m.Responds, 1) == m.Responds(1, False)
    os.kill(pid, signal.SIGCONT)
    assert machine.wait(m.Responds, 1) == m.Responds(1, True)


def test_asks_and_signals_reach_the_worker(machines: list[Machine], folder: Path) -> None:
    machine = begin(
        machines,
        folder,
        """
        def run(instance, save, state):
            open("began", "w").close()
            while instance == "/saves": save("1"); time.sleep(0.01)
            time.sleep(600)
        """,
    )
    machine.start(1)
    machine.begin(1, "/saves")
    until((folder / "began").exists, lambda: "it has begun")
    machine.agent.ask(1, m.InterruptAttempt(1, 1))
    machine.wait(Said, 1)
    (folder / "began").unlink()
    machine.begin(1, "/sleeps")
    until((folder / "began").exists, lambda: "it has begun")
    machine.agent.signal(1, signal.SIGTERM, group=True)
    gone = machine.wait(m.Gone, 1)
    assert isinstance(gone, m.Gone)
    assert gone.code == -signal.SIGTERM


# --- orders ahead -----------------------------------------------------------------------------------------------------

QUEUED = """
def run(instance, save, state):
    print(instance, file=open("called", "a"), flush=True)
    while instance.startswith("/wait") and not os.path.exists(instance[1:]):
        time.sleep(0.01)
"""


@pytest.mark.parametrize("each", [False, True])
def test_an_order_ahead_is_one_workers_or_comes_back_and_never_both(
    machines: list[Machine], folder: Path, each: bool
) -> None:
    """A copy of the order that stays with the worker would be called all the same, and by another one as well."""
    machine = begin(machines, folder, QUEUED, each=each)
    machine.start(1)
    machine.begin(1, "/wait1")
    until(lambda: machine.lines("called") == ["/wait1"], lambda: "it is called")
    assert machine.agent.order_ahead(1, order(2, "/never"))
    assert machine.agent.recall(1)
    assert not machine.agent.recall(1)
    assert machine.agent.order_ahead(1, order(3, "/wait2"))  # the place is free again
    (folder / "wait1").touch()
    until(lambda: machine.lines("called") == ["/wait1", "/wait2"], lambda: "it goes on")
    assert not machine.agent.recall(1), "the worker has it"
    said = machine.wait(Said, 1)
    assert isinstance(said, Said)
    assert said.reply == m.Ended(1, 1), "that the one before has ended is told by then"
    assert machine.agent.order_ahead(1, order(4, "/last"))
    (folder / "wait2").touch()
    assert [machine.wait(Said, 1) for _ in range(2)] == [Said(1, m.Ended(1, 3)), Said(1, m.Ended(1, 4))]
    machine.leave(1)
    assert machine.lines("called") == ["/wait1", "/wait2", "/last"]


def test_an_order_ahead_of_a_worker_that_is_killed_comes_back(machines: list[Machine], folder: Path) -> None:
    machine = begin(machines, folder, QUEUED)
    pid = machine.start(1)
    machine.begin(1, "/wait1")
    until(lambda: machine.lines("called") == ["/wait1"], lambda: "it is called")
    assert machine.agent.order_ahead(1, order(2, "/never"))
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid), lambda: "it is gone")
    assert machine.agent.recall(1)
    assert machine.lines("called") == ["/wait1"]


def order(attempt: int, instance: str) -> m.RunOrder:
    return m.RunOrder(1, attempt, 0, instance, False, msgspec.Raw(b"null"), 0, 7, msgspec.Raw(b'""'))
