"""Answers as data: rows that are found while they stream, columns, data frames, and blocks of code."""
