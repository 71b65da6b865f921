"""Process plumbing that both services share: the server, identity, status packing, logs, settings, start and end.

Nothing here knows a service, a message of the contract, or anything clinical.
"""
