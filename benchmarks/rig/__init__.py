"""What the benchmarks share: servers to start, and people to click on them.

    load     signed requests, sent by some clients at once and timed
    serving  one server as a process of its own, for as long as a block lasts
    bare     the peer: Bolt on Starlette, with next to nothing behind it
    desk     ours: everything between a signed click and its committed answer
    company  a database with people, groups and requests that wait

Whoever measures and whoever is measured are never the same process.
"""
