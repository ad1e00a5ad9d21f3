"""The audit: what the Python code says of problems, compared with a program that is extracted from proofs in Coq."""
