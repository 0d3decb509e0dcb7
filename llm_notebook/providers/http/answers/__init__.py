"""The bytes of an answer: bounded, split into events, and decoded into stream items. No I/O."""
