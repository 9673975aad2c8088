"""From the files of the user to a plan: targets, run modules, batches, experiment files, what pyalma has left.

It promises that a value arrives as it was written or is refused with file, place and what to write instead, before
anything is started or made. It only reads.

A worker imports `run_module` and what it needs; so nothing here knows the store, the runner, Textual, Rich or TinyDB.
"""
