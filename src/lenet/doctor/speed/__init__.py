"""How fast lenet is beside its peers: `lenet bench`.

All contestants of a benchmark take turns in one process, so that what the machine does meanwhile
hits all of them; each number of threads has a process of its own.
"""
