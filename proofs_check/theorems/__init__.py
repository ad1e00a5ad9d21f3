"""The theorems of `proofs_check/coq`: which claim rests on which, what Coq said of them, and the figure of their files."""
