"""No test depends on how fast the machine is: Hypothesis would fail an example that takes 200 ms.

What is covered does not depend on luck: ``make coverage`` has Hypothesis try the written examples only.
"""

from hypothesis import Phase, settings

settings.register_profile("unhurried", deadline=None)
settings.register_profile("examples", deadline=None, phases=[Phase.explicit])
settings.load_profile("unhurried")
