"""What is known about models: the shipped catalogues, the lists that providers have sent, names, and prices."""
