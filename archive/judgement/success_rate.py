"""Whether a success rate is far below that of the period before.

Pure. A one-sided test of a binomial distribution, in its normal approximation.
"""

from __future__ import annotations

from math import sqrt

# It must be so many standard deviations below, and by so much: large fleets differ surely, but a little.
_DEVIATIONS, _LEAST = 3, 0.05
# Fewer failures are single ones.
_FEWEST = 3


def is_far_below(now: tuple[int, int], before: tuple[int, int]) -> bool:
    """Return whether a success rate is far below that of the period before.

    Both are a number of failed and of finished backups. If each had failed with the likelihood of the
    period before, so many failures would hardly be chance.
    """
    (failed, finished), (failed_before, finished_before) = now, before
    if failed < _FEWEST or not finished_before:
        return False
    # Without failures before, one may still happen: Laplace's rule of succession.
    likelihood = (failed_before + 1) / (finished_before + 2)
    most = finished * likelihood + _DEVIATIONS * sqrt(finished * likelihood * (1 - likelihood))
    return failed > most and failed / finished >= failed_before / finished_before + _LEAST
