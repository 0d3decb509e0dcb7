"""The cells of the notebook that are sent with a prompt: where they come from, which of them are sent, and in what form."""
