"""One module a claim: what it says and how it is attacked. `find("T3")` loads only what that claim needs."""

from proofs_check.claims.finding import find as find
