"""T1 on every task under every position scheme, as a table, and beside trained models."""
