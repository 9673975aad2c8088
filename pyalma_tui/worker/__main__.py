"""`python -P -m pyalma_tui.worker SPEC [ARGS...]`: an agent, or a worker that imports the module by itself."""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Sequence

from pyalma_tui.model import jsontext
from pyalma_tui.prctl import die_with_parent
from pyalma_tui.worker import capture
from pyalma_tui.worker.agent import Agent, Spec
from pyalma_tui.worker.fencing import put_up
from pyalma_tui.worker.starting import Separate, be_separate


def main(argument: str, args: Sequence[str]) -> None:
    """Be what the argument describes."""
    spec: Spec | Separate = jsontext.decode_as(argument.encode(), Spec | Separate)
    die_with_parent(spec.parent)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    capture.prepare()
    faulthandler.enable()
    if spec.fence is not None:
        put_up(spec.fence)
    if isinstance(spec, Separate):
        be_separate(spec, args)
    else:
        Agent(spec, args).main()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
