"""The cells of the notebook that go with a prompt: where they come from, which of them go, and what a model is told of them."""
