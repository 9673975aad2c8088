"""The screen: Textual and nothing else draws here.

It promises that it only reads snapshots and only sends commands, so that no crash or stall of it costs the experiment
anything, and that a terminal is left as it was found.

`app` carries out what screens ask for in `requests`, and alone knows the runner. `registry` holds every key,
`view_moment` what widgets are shown, and `literal` is the only door for anybody's text. A screen may import widgets, a
widget no screen, and neither the app. No user code and no worker is touched from here, and only
`exporting` imports `report`, once a table is written.

The first painting has everything: what is known is there before the first layout, and a text is made for the width that
it is painted at (`Fitted`, `Paragraph`), never for one that a resize tells of later. What is opened later is in
`screens/later`, which is imported after it. A key paints lines, not widgets: what a line was made of is noted when it
is painted, and only a line made of something else is made again.
"""
