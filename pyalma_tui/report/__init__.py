"""The facts of an experiment without a screen: lines while it runs, the summary, tables, exports.

It promises that people read text that no terminal obeys and programs read data that is whole, in any encoding.

It reads snapshots and stores and sends nothing. Rich is allowed, Textual is not, nor is the screen beside it.
"""
