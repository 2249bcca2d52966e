"""What can go wrong in serving."""


class ServeError(Exception):
    """Something is asked for that cannot be served. Its text is one sentence: expected, got, where."""
