"""Whether a trained model, or any function, is right on every instance of a task."""
