"""Many checks at once: a pool of workers, progress, and what an interrupt leaves."""
