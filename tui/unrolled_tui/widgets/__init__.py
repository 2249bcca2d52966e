"""Widgets: each draws the lines that it is given, and keeps nothing else."""
