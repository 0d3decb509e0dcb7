"""The models that are known by name: the shipped catalogues, the lists that providers have sent, and prices."""
