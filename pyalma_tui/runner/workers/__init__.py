"""Where workers run: `protocol` is all that the rest of the runner knows of it, `local` and `remote` fulfil it.

It promises that no call waits, that a worker's last words come before its death, and that an order which was handed
over and not taken comes back. Pids and hosts are for people: nobody else signals a worker, reaps it or looks for its
process.

It decides nothing, and knows no ledger, no journal's records and no run module but by its path.
"""
