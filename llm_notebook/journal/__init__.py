"""The journal: what was said, asked, decided and run. `operations` says what can be kept; `memory` and `sqlite` keep it; `current` is this process's own."""
