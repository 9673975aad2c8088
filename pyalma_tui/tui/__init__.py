"""The screen: Textual and nothing else draws here.

It promises that it only reads snapshots and only sends commands, so that no crash or stall of it costs the experiment
anything, and that a terminal is left as it was found.

Text of others enters through `literal` alone; keys, help and palette come from one registry of actions. No user code
and no worker is touched from here, and `report` beside it is not imported.
"""
