"""Properties have no deadline: a busy machine is not a failure."""

from hypothesis import settings

settings.register_profile("engine", deadline=None)
settings.load_profile("engine")
