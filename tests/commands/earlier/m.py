"""What `m.alma` was written of: a run that has lasted was killed with its program, one waited."""

import os
import time


def instances():
    return ["waits", "lasts", "fails", "returns"]


def run(instance, save, state):
    name = os.path.basename(instance)
    save({"of": name, "after": state})
    if name == "fails":
        raise ValueError("no")
    if name == "lasts" and state == "":
        save("lasts")
        time.sleep(60)
