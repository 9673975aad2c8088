"""What `--on` means, and what of it is refused."""

from __future__ import annotations

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.runner.workers.engines.on import Site, sites_of


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


@pytest.mark.parametrize(
    "on", ["x", "cloud:a", "each:", "many:", "ssh:", "ssh:-oProxyCommand=x", "each:a;a", "each:'a", "each:;"]
)
def test_what_means_nothing_is_refused_in_one_line(on: str) -> None:
    with pytest.raises(UsageError) as refused:
        sites_of(on)
    assert "Nothing was started" in str(refused.value)
    assert "\n" not in str(refused.value)
