"""The programs that the Makefile runs: the demo, the checks, the notebooks and the pictures."""
