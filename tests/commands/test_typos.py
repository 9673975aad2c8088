"""What is said of a word or an option that is nobody's here."""

from __future__ import annotations

from tests.catalogue.experiment import Experiment

TYPOS = (
    (["statsu", "m.py"], "statsu: there is no such file and no such command. Did you mean status?"),
    (["docter"], "docter: there is no such file and no such command. Did you mean doctor?"),
    (["experiment"], "module: experiment: there is no such file. Give the path of "),
    (["m"], "module: m: there is no such file. Is it m.py?"),
    (["status.py"], "module: status.py: there is no such file. Give the path of "),
    (["m.py", "--depth", "3"], "Unknown option: --depth. The module's own options follow --, as in -- --depth ("),
    (["doctor", "m.py", "--depth=3"], "Unknown option: --depth. The module's own options follow --, as in -- "),
    (["m.py", "--wokers", "3"], "Unknown option: --wokers. Did you mean --workers? (--help tells more)"),
    (["export", "m.py", "--depth", "3"], "Unknown option: --depth. (--help tells more)"),
    (["logs", "m.py", "zzz"], 'instance: "zzz": the experiment has none of this name. `pyalma-tui status TARGET` '),
)


def test_a_typo_is_told_with_what_was_meant(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n", ("a",)).run()
    for words, told in TYPOS:
        assert experiment.says(*words).refusal().startswith(told), words
