"""Where an answer is shown: in the output of a cell, in a terminal, or on paper."""
