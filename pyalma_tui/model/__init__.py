"""What an experiment is: frozen data, and pure functions over it.

It promises that the same records fold to the same runs, whoever folds them: the live ledger, the next start, a viewer,
a test. Here are the words of the house and the only home of each: statuses and their transitions, records, plans and
seeds, queries, how quantities are written.

It opens no file, keeps no state, and imports msgspec and the standard library alone.
"""
