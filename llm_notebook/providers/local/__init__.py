"""Models that run on this machine with llama.cpp: finding, downloading, installing and running GGUF files."""
