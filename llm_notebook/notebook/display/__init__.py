"""How a turn is shown: in the output of a cell or in a terminal, with questions answered by keyboard where there are no buttons."""
