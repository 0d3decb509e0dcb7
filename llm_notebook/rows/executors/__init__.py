"""Asks the questions of a run elsewhere: in threads, in processes or on other machines."""
