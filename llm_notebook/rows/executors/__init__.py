"""Runs whose questions are asked elsewhere: in threads, in processes or on other machines."""
