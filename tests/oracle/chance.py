"""What statistics say, for experiments and correlations: the formulas as their sources give them, and the
distributions by plain numerical integration, so that nothing is shared with a library's own way.
"""

import math
from statistics import NormalDist

NONE = None


def central_z(confidence):
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def z_tails(z):
    return math.erfc(abs(z) / math.sqrt(2))


def beta_share(x, rest, a, b):
    """The regularised incomplete beta function, by its continued fraction (Lentz's method). The rest is
    1 - x, of which rounding leaves nothing where it is small.
    """
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_share(rest, x, b, a)
    if x == 0:
        return 0.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d, total = 1.0, 0.0, 1.0
    for i in range(1000):
        half = i // 2
        if i == 0:
            term = 1.0
        elif i % 2 == 0:
            term = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            term = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        d = 1 / ((1 + term * d) or tiny)
        c = (1 + term / c) or tiny
        total *= c * d
        if i > 0 and abs(c * d - 1) < 1e-16:
            break
    return front / a * (total - 1)


def student_tails(t, degrees):
    """P(|T| >= |t|)."""
    of_both = degrees + t * t
    return beta_share(degrees / of_both, t * t / of_both, degrees / 2, 0.5)


def central_t(confidence, degrees):
    low, high = 0.0, 1.0
    while student_tails(high, degrees) > 1 - confidence:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        if student_tails(middle, degrees) > 1 - confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def chi_square_tail(x, degrees):
    """The upper tail, by its finite sums for whole degrees."""
    if degrees % 2 == 0:
        term = total = math.exp(-x / 2)
        for k in range(1, degrees // 2):
            term *= x / 2 / k
            total += term
        return total
    total = math.erfc(math.sqrt(x / 2))
    term = math.sqrt(2 * x / math.pi) * math.exp(-x / 2)
    for k in range(1, (degrees - 1) // 2 + 1):
        total += term
        term *= x / (2 * k + 1)
    return total


def wilson(count, users, confidence):
    if users == 0:
        return NONE
    z, p = central_z(confidence), count / users
    middle = (p + z * z / (2 * users)) / (1 + z * z / users)
    half = z / (1 + z * z / users) * math.sqrt(p * (1 - p) / users + z * z / (4 * users * users))
    return [max(0.0, middle - half), min(1.0, middle + half)]


def chi_square(rates):
    """(statistic, rows) of (count, users) pairs; where all or none have it, they do not differ."""
    rates = [rate for rate in rates if rate[1] > 0]
    users = sum(n for _, n in rates)
    if len(rates) < 2:
        return NONE, len(rates)
    p = sum(count for count, _ in rates) / users
    if p in (0, 1):
        return 0.0, len(rates)
    cells = [((count - n * p), n * p * (1 - p)) for count, n in rates]
    return sum(off * off / below for off, below in cells), len(rates)


def score_p(first, second):
    statistic, _ = chi_square([first, second])
    return NONE if statistic is None else z_tails(math.sqrt(statistic))


def rate_difference(first, second, confidence):
    p = score_p(first, second)
    if p is None:
        return NONE
    p1, p2 = first[0] / first[1], second[0] / second[1]
    low1, high1 = wilson(*first, confidence)
    low2, high2 = wilson(*second, confidence)
    low = p2 - p1 - math.sqrt((p2 - low2) ** 2 + (high1 - p1) ** 2)
    high = p2 - p1 + math.sqrt((high2 - p2) ** 2 + (p1 - low1) ** 2)
    return {"difference": p2 - p1, "interval": [low, high], "p": p}


def mean_interval(users, mean, variance, confidence):
    if users < 2:
        return NONE
    half = central_t(confidence, users - 1) * math.sqrt(variance / users)
    return [mean - half, mean + half]


def mean_difference(first, second, confidence):
    """Of (users, mean, variance) triples, after Welch."""
    (n1, m1, s1), (n2, m2, s2) = first, second
    if n1 < 2 or n2 < 2 or s1 + s2 == 0:
        return NONE
    v1, v2 = s1 / n1, s2 / n2
    degrees = (v1 + v2) ** 2 / (v1 * v1 / (n1 - 1) + v2 * v2 / (n2 - 1))
    error = math.sqrt(v1 + v2)
    half = central_t(confidence, degrees) * error
    return {
        "difference": m2 - m1,
        "interval": [m2 - m1 - half, m2 - m1 + half],
        "p": student_tails((m2 - m1) / error, degrees),
    }


def odds(converted, others, confidence):
    """{"ratio", "interval", "distance"} of (count, users) pairs, or None."""
    if converted[1] == 0 or others[1] == 0:
        return NONE
    a, b = converted[0], converted[1] - converted[0]
    c, d = others[0], others[1] - others[0]
    if 0 in (a, b, c, d):
        a, b, c, d = a + 0.5, b + 0.5, c + 0.5, d + 0.5
    logarithm = math.log(a * d) - math.log(b * c)
    half = central_z(confidence) * math.sqrt((1 / a + 1 / d) + (1 / b + 1 / c))
    return {
        "ratio": math.exp(logarithm),
        "interval": [math.exp(logarithm - half), math.exp(logarithm + half)],
        "distance": abs(logarithm) - half,
        "effect": abs(logarithm),
    }


def holm(p_values):
    """Corrected p-values; None stays None."""
    order = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    out, least = list(p_values), 0.0
    for rank, (p, i) in enumerate(order):
        least = max(least, min(1.0, p * (len(order) - rank)))
        out[i] = least
    return out
