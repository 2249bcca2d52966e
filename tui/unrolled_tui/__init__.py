"""The terminal stepper on top of the `unrolled` engine."""
