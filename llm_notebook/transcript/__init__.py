"""What the reader sees of an exchange: the transcript, made safe to show in a notebook, a file or a terminal."""
