"""Lenses: one file per way of looking. A lens is a widget that draws a session."""
