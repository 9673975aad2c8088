"""Run modules for the tests in a terminal; each waits for files, so that a test decides how far it goes."""

from __future__ import annotations

from pathlib import Path

COUNTING = """
import os, time

def run(instance, save, state):
    name = os.path.basename(instance)
    number = int(state or 0)
    print(f"{name} begins at {number}")
    while number < 5:
        while not os.path.exists(f"go{number}"):
            time.sleep(0.01)
            save(str(number))
        number += 1
        save(str(number))
        print(f"{name} has reached {number}")

def done():
    with open("done.txt", "a") as file:
        file.write("done\\n")
    print("the end was reached")
"""

MISBEHAVING = """
import ctypes, os, sys, time

def run(instance, save, state):
    name = os.path.basename(instance)
    save(f"state of {name}")
    if name == "prints.txt":
        for number in range(200):
            print("\\x1b[2J\\x1b[H\\x1b]52;c;cHduZWQ=\\x07 out of line", number)
            os.write(2, b"\\x9b31m raw bytes\\n")
    elif name == "shell.txt":
        os.system("echo from the shell")
    elif name == "raises.txt":
        raise ValueError("no such clause")
    elif name == "exits.txt":
        sys.exit(0)
    elif name == "crashes.txt":
        ctypes.string_at(0)
    elif name == "loops.txt":
        while True:
            time.sleep(0.01)
"""


def write(folder: Path, module: str, *instances: str) -> list[str]:
    """A module `exp.py` and its instances as files; the arguments for the program."""
    (folder / "exp.py").write_text(module)
    for name in instances:
        (folder / name).write_text("x\n")
    return ["exp.py", *instances]
