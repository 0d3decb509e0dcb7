"""The journal: the durable record of turns, tool calls and decisions.

`operations` defines what can be recorded and the protocol of a journal. `sqlite` records it in a file, `memory` in this process only.
`current` holds the journal that this process uses.
"""
