"""What to do so that a generator length-generalizes: IDs, verdicts, advice, and a module to train with."""
