"""`pyalma-tui reproduce`: one run anew, apart from its experiment, compared with what is stored of it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess

import pytest

from tests.catalogue.experiment import Experiment, Result, below, until
from tests.prepared import PROGRAM

DRAWING = """
import random
from helpers import scale
def run(instance, save, state, iteration, seed):
    draw = random.Random(seed)
    with open("beside.txt", "a") as out, open(instance + ".part", "a") as part:
        out.write("once more\\n")
        part.write("once more\\n")
    save({"of": instance, "iteration": iteration, "drawn": [scale(draw.random()) for _ in range(20)]})
"""


def reproduce(experiment: Experiment, *words: str) -> Result:
    return experiment.start("reproduce", experiment.name, *words).end()


def content(experiment: Experiment) -> object:
    """All that is in the folder but for what the tests themselves print into."""
    return {name: what for name, what in below(experiment.folder).items() if not name.startswith(("out-", "err-"))}


def test_one_iteration_alone_is_the_same_after_its_code_was_edited_and_nothing_is_touched(
    experiment: Experiment,
) -> None:
    helper = experiment.folder / "helpers.py"
    helper.write_text("def scale(x):\n    return 2 * x\n")
    experiment.write(DRAWING, ("a", "b")).run("--iterations", "3", "--workers", "2")
    before = content(experiment)
    result = reproduce(experiment, "b", "--iteration", "2")
    assert (result.code, content(experiment)) == (0, before)
    first, sentence = result.out.splitlines()
    assert first.startswith("identical  b#2: ")
    run = next(each for each in experiment.status()["runs"] if (each["instance"], each["iteration"]) == ("b", 2))
    assert f"(seed {run['seed']}, code {run['module']}) was repeated alone on 20" in sentence
    assert sentence.endswith("its final state was the same, byte for byte.")

    helper.unlink()
    experiment.module.write_text("def run(instance, save, state):\n    save('other')\n")
    before = content(experiment)
    result = reproduce(experiment, "b", "--iteration", "2")
    assert (result.code, content(experiment)) == (0, before)
    assert result.out.startswith("identical  b#2: ")
    assert "as it was kept" in result.out
    assert "helpers.py is gone" in result.said[0]


def test_what_does_not_come_from_the_seed_differs_and_its_place_is_named(experiment: Experiment) -> None:
    experiment.write(
        """
        import random
        def run(instance, save, state):
            save({"steps": 3, "x": [0, random.random()]})
        """
    ).run()
    result = reproduce(experiment, "a")
    assert result.code == 1
    stored = experiment.one()["state"]["x"][1]
    assert result.out.startswith(f"differs    a: state.x[1]: {json.dumps(stored)} ≠ ")
    assert "--seed-globals" in result.err
    experiment.run("--seed-globals", "--fresh", "--yes")
    assert reproduce(experiment, "a").code == 0


def test_a_run_that_fails_or_kills_its_worker_now_is_told_with_its_traceback(experiment: Experiment) -> None:
    gone = experiment.folder / "needed"
    gone.touch()
    experiment.write(
        """
        def run(instance, save, state):
            if instance.endswith("b") and not os.path.exists("needed"):
                os._exit(3)
            save(open("needed").read())
        """,
        ("a", "b"),
    ).run()
    gone.unlink()
    result = reproduce(experiment, "a")
    assert result.code == 1
    assert result.out.startswith("differs    a: it ended otherwise: done ≠ failed: FileNotFoundError")
    assert 'save(open("needed").read())' in result.err
    assert f'File "{experiment.module}", line ' in result.err, "not the copy, which is gone"
    assert reproduce(experiment, "b").out.startswith("differs    b: it ended otherwise: done ≠ failed: ")


ELSEWHERE = """
def run(instance, save, state):
    file = instance["file"]
    for name in (file, file + ".rows", os.path.join(os.path.dirname(file), "..", "beside")):
        with open(name, "a") as out:
            out.write("once more\\n")
    save([file, sorted(os.listdir(os.path.dirname(file))), os.path.realpath("link")])
"""


def test_what_a_run_writes_beside_its_instance_or_through_links_goes_into_the_copy(
    experiment: Experiment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("elsewhere") / "data"
    data.mkdir()
    experiment.write(ELSEWHERE)
    (experiment.folder / "link").symlink_to(data)
    for name, file in {"outside": data / "a", "linked": experiment.folder / "link" / "b"}.items():
        file.touch()
        batch = {"instances": [{"file": str(file), "name": name}]}
        experiment.module.with_suffix(".batch").write_text(json.dumps(batch))
        experiment.run()
        (data / f"{file.name}.rows").unlink()  # so that the folder has in it what it had
        before = content(experiment), below(data.parent)
        result = reproduce(experiment, name)
        assert (content(experiment), below(data.parent)) == before
        assert result.out.startswith(f"identical  {name}: "), result


def test_an_instance_whose_content_has_changed_since_is_told_before_and_in_the_sentence(
    experiment: Experiment,
) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n", ("a", "b")).run()
    file = experiment.folder / "a"
    os.utime(file)
    result = reproduce(experiment, "a")
    assert "content" not in result.out + result.err
    assert "read an instance file" not in experiment.start("status", experiment.name).end().err
    file.write_text("other")
    result = reproduce(experiment, "a")
    assert result.said[1] == f"pyalma-tui: reproduce: {file} has another content"
    assert f"(1 circumstance changed: {file} has another content): its final state was the same" in result.out
    status = experiment.start("status", experiment.name).end()
    forgets = "`pyalma-tui reset m.py --changed` forgets them"
    assert f"1 of 2 done runs read an instance file that has changed since: a; {forgets}" in status.err
    experiment.module.write_text(experiment.module.read_text() + "# edited\n")
    assert "2 of 2 done runs used older code: m.py +1 −0; " in experiment.start("status", experiment.name).end().err
    name = f"{experiment.folder.name}/m.py"
    command, there = [PROGRAM, "status", name], experiment.folder.parent
    told = subprocess.run(command, cwd=there, capture_output=True, text=True, timeout=60).stderr
    assert told.count(f"`pyalma-tui reset {shlex.quote(name)} --changed`") == 2, "so that it can be pasted"


def test_a_variable_that_is_set_only_now_is_told(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    experiment.write("def run(instance, save, state):\n    save('1')\n").run()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "1 circumstance changed: OMP_NUM_THREADS: not set → 3)" in reproduce(experiment, "a").out


def test_what_has_no_result_or_no_code_any_more_is_refused(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n    raise ValueError\n", ("a",)).run()
    line = reproduce(experiment, "a").refusal()
    assert line == "reproduce: a: it is failed, so there is no result to compare with"
    experiment.write("def run(instance, save, state):\n    save('1')\n", ("b",)).run()
    assert "--iteration 5: b has #0, counted from 0" in reproduce(experiment, "b", "--iteration", "5").refusal()
    kept = experiment.runs()["b"]["module"]
    files = json.loads((experiment.state_dir / "code" / f"{kept}.json").read_text())["files"]
    os.unlink(experiment.state_dir / "code" / f"{files['m.py']}.py")
    experiment.module.write_text(experiment.module.read_text() + "# edited\n")
    line = reproduce(experiment, "b").refusal()
    assert line == "reproduce: b: m.py has changed since, and what it was is not kept. Nothing was started"
    os.unlink(experiment.state_dir / "code" / f"{kept}.json")
    line = reproduce(experiment, "b").refusal()
    assert line == "reproduce: b: the code that it had is not kept any more. Nothing was started"


def test_ctrl_c_ends_it_and_all_that_it_has_started(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            if os.path.exists(os.path.join(os.path.dirname(instance), "wait")):
                tell("runs")
                time.sleep(100)
            save("1")
        """
    ).run()
    experiment.allow("wait")
    running = experiment.start("reproduce", experiment.name, "a")
    import glob
    import tempfile

    def runs() -> bool:
        return bool(glob.glob(f"{tempfile.gettempdir()}/pyalma-tui-reproduce-*/work{experiment.folder}/told"))

    until(runs, experiment.outputs)
    running.signal(signal.SIGINT)
    result = running.end()
    assert result.code == 130
    assert "stopped by Ctrl+C; the experiment is as it was" in result.err
    experiment.nothing_left()


def test_rows_are_compared_one_by_one_and_a_path_of_the_copy_is_none_that_differs(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state, record):
            for n in range(3):
                record({"n": n, "at": os.path.abspath("x"), "luck": os.path.exists("lucky") and n == 2})
                save(os.path.abspath("x"))
        """
    ).run()
    result = reproduce(experiment, "a")
    assert result.code == 0, result
    assert result.out.startswith("identical  a: ")
    assert ", 3 rows\n" in result.out
    assert result.out.endswith("its final state and 3 rows of results were the same, byte for byte.\n")
    (experiment.folder / "lucky").touch()
    result = reproduce(experiment, "a")
    assert result.code == 1
    assert result.out.startswith("differs    a: row 2, luck: false ≠ true\n")
