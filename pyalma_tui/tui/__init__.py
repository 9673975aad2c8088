"""The screen: it shows the runner's snapshot and sends commands, nothing else.

`app` looks at the snapshot a few times a second and carries out what is asked in `requests`; it alone knows the
runner. `registry` holds every key, `view_moment` what all widgets are shown, and `literal` is the only door for
anybody's text. A screen may import widgets, a widget no screen, and neither the app.
"""
