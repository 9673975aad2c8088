"""What `--on` means, and what of it is refused."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.runner.workers.engines.advice import complaint
from pyalma_tui.runner.workers.engines.commands import CommandEngine
from pyalma_tui.runner.workers.engines.line import MOST, Line
from pyalma_tui.runner.workers.engines.on import Cluster, Site, cluster_of, sites_of


@pytest.mark.parametrize(
    ("on", "sites"),
    [
        ("", []),
        ("many:flux run -n1", [Site("flux run -n1", ("flux", "run", "-n1"), many=True)]),
        ("many:oarsh #3", [Site("oarsh", ("oarsh",), 3, many=True)]),
        (
            "each:docker exec -i a; docker exec -i b#2",
            [
                Site("docker exec -i a", ("docker", "exec", "-i", "a"), 2),
                Site("docker exec -i b", ("docker", "exec", "-i", "b"), 2),
            ],
        ),
        (
            "each:sh -c 'a; exec \"$@\"' sh;b",
            [Site("""sh -c 'a; exec "$@"' sh""", ("sh", "-c", 'a; exec "$@"', "sh")), Site("b", ("b",))],
        ),
        ("slurm", [Site("slurm", ("srun", "--ntasks=1", "--job-name=pyalma-tui"), many=True)]),
    ],
)
def test_on_names_sites(on: str, sites: list[Site]) -> None:
    assert list(sites_of(on)) == sites


def test_ssh_never_asks_and_hands_one_argument_to_the_shell_there() -> None:
    one, other = sites_of("ssh:alice@n1,n2#4")
    assert (one.name, one.slots, one.joined) == ("alice@n1", 4, True)
    assert one.command[0] == "ssh"
    assert "BatchMode=yes" in one.command
    assert other.command[-1] == "n2"


def test_who_prints_without_an_end_does_not_hold_up_those_who_print_little(tmp_path: Path) -> None:
    with open(tmp_path / "said", "w+b") as endless:
        endless.truncate(20 * MOST)
        line = Line(os.dup(endless.fileno()), endless.fileno())
        said = [line.receive() for _ in range(21)]
    assert said == [bytes(MOST)] * 20 + [None]


@pytest.mark.parametrize("lease", [1.0, 15.0, 100.0, 3600.0])
def test_a_line_by_ssh_is_not_given_up_before_the_lease_is_over(lease: float) -> None:
    [site] = sites_of("ssh:n1", lease)
    [seconds] = [int(word.partition("=")[2]) for word in site.command if word.startswith("ServerAliveInterval=")]
    assert seconds >= 15
    assert lease <= 3 * seconds <= max(45, lease + 3)


@pytest.mark.parametrize(
    ("on", "where", "slots"),
    [
        ("dask:tcp://n0:8786", "tcp://n0:8786", 1),
        ("dask:n0:8786#3", "n0:8786", 3),
        ("dask:/shared/scheduler.json#2", "/shared/scheduler.json", 2),
        ("dask:scheduler.json", os.path.abspath("scheduler.json"), 1),
    ],
)
def test_a_dask_cluster_is_named_by_an_address_or_a_file(on: str, where: str, slots: int) -> None:
    assert cluster_of(on) == Cluster(on, where, slots)


def test_a_dask_cluster_has_to_be_named() -> None:
    with pytest.raises(UsageError, match="it names no scheduler"):
        cluster_of("dask:")


@pytest.mark.parametrize(
    "on",
    [
        *("x", "cloud:a", "each:", "many:", "ssh:", "ssh:-oProxyCommand=x", "each:a;a", "each:'a", "each:;"),
        *("ssh:a#0", "slurm:#0", "many:a#10000", "ssh:a b", "ssh:a#2,b#3"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(on: str) -> None:
    with pytest.raises(UsageError) as refused:
        sites_of(on)
    assert "Nothing was started" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "tells_most"),
    [
        ("", ""),
        (
            "noise\nssh: connect to host n1 port 22: Connection refused\r\n\n",
            "ssh: connect to host n1 port 22: Connection refused",
        ),
        (
            "srun: unrecognized option '--bogus'\nTry \"srun --help\" for more information\n",
            "srun: unrecognized option '--bogus'",
        ),
        ("sleep: invalid time\nTry 'sleep --help' for more information.", "sleep: invalid time"),
        ("Try 'sleep --help' for more information.", "Try 'sleep --help' for more information."),
    ],
)
def test_what_a_command_complains_of_is_told_not_where_it_has_its_help(said: str, tells_most: str) -> None:
    assert complaint(said) == tells_most


def test_where_no_more_files_can_be_opened_that_is_told_once_not_of_each_place(tmp_path: Path) -> None:
    engine = CommandEngine([Site(f"n{n}", ("sleep", "1000"), many=False) for n in range(9)], tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = set(map(int, os.listdir("/proc/self/fd")))
    free = [number for number in range(4096) if number not in taken][:16]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        opened, refused = engine.open(9, 0.0)
        assert 0 < len(opened) < 9
        assert len(refused) == 1
        assert "no more places can be led to at the moment: Too many open files; `ulimit -n`" in refused[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        while not engine.has_let_go(time.monotonic()):
            time.sleep(0.02)
