"""What one may say of the MAX-SAT example in a paper: kills change nothing, one run can be done again."""

from __future__ import annotations

import re
import shutil

from tests.catalogue.experiment import Experiment
from tests.examples.test_maxsat import FOLDER, HARD


def test_kills_change_nothing_and_one_run_is_reproduced_after_its_module_was_edited(experiment: Experiment) -> None:
    text = (FOLDER / "maxsat.py").read_text()
    experiment.module.write_text(text.replace("15_000  #", "2_000  #").replace("25_000  #", "10_000  #"))
    shutil.copy(HARD, experiment.folder)
    experiment.module.with_suffix(".batch").write_text(f'{{"instances": ["{HARD.name}"]}}')
    assert experiment.run().code == 0

    result = experiment.start("verify", experiment.name, "--kill", "--interruptions", "10").end()
    assert result.code == 0, result
    cuts = r"killed at saves (\d+, ){8,9}\d+ of 20( and on its way out)?"
    told = rf"identical  {HARD.name}: {cuts}: done, same state, same 1 row\n"
    assert re.fullmatch(told, result.out), result.out

    experiment.module.write_text(text)
    result = experiment.start("reproduce", experiment.name, HARD.name).end()
    assert result.code == 0, result
    assert result.out.startswith(f"identical  {HARD.name}: ")
    assert "as it was kept" in result.out
    assert "final state and 1 row of results were the same" in result.out
