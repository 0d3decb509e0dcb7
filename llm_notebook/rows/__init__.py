"""One prompt for every row of a table: many rows are asked at a time, answers are kept as they arrive, and a stopped run can be resumed."""
