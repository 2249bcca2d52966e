"""The screens: the stepper, and what opens over it."""
