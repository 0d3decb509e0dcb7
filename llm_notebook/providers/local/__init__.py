"""Models that run on this machine with llama.cpp: how GGUF files are found, downloaded, installed and run."""
