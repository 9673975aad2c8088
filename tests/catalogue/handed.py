"""What `run` was handed."""

from __future__ import annotations

import json
from typing import Any

from tests.catalogue.experiment import Experiment

TELLS = """
import json
def run(instance, save, state):
    tell(json.dumps(instance))
    save("kept")
"""


def told(experiment: Experiment) -> list[Any]:
    """What `run` was handed, in the order of the batch."""
    return [json.loads(line) for line in reversed(experiment.told())]
