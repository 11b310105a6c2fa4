"""No test depends on how fast the machine is: Hypothesis would fail an example that takes 200 ms."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
