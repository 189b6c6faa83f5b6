"""What it costs to be sure: the more a network must be, the fewer digits it answers, and the more of those right."""

import numpy as np

WIDTH, HEIGHT = 340, 190
LEFT, RIGHT, TOP, BOTTOM = 42, 10, 26, 40  # around the lines
SPANS = (0.04, 0.1, 0.2, 0.5, 1)  # of the shares: from so much less than all of them to all


def cost(thresholds: np.ndarray, answered: np.ndarray, right: np.ndarray, now: int) -> str:
    """Two lines over thresholds, (n,) in percent: the share of digits that are answered, (n,), and of those the share
    that are right, (n,), NaN where none is; with a mark at the place `now` among them. As SVG.

    The axis of shares is for the second: the first may leave it, below.
    """
    least = float(np.nanmin(right)) if np.isfinite(right).any() else 0.0
    span = next((span for span in SPANS if span >= 2.5 * (1 - least)), SPANS[-1])
    floor = HEIGHT - BOTTOM

    def x(threshold: float) -> float:
        return LEFT + (threshold - thresholds[0]) / (thresholds[-1] - thresholds[0]) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return TOP + (1 - share) / span * (floor - TOP)

    def line(shares: np.ndarray, kind: str) -> str:
        known = [(t, s) for t, s in zip(thresholds, shares, strict=True) if np.isfinite(s)]
        return f'<polyline class="{kind}" points="{" ".join(f"{x(t):.1f},{y(s):.1f}" for t, s in known)}"/>'

    at = x(thresholds[now])
    marks = "".join(
        f'<text x="{x(each):.1f}" y="{floor + 16}" text-anchor="middle">{each}</text>' for each in range(20, 100, 20)
    )
    parts = 5 if span in (0.1, 0.5) else 4  # round steps
    for share in (1 - span * part / parts for part in range(parts + 1)):
        marks += (
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(share):.1f}" y2="{y(share):.1f}"/>'
            f'<text x="{LEFT - 5}" y="{y(share) + 4:.1f}" text-anchor="end">{100 * share:.3g}</text>'
        )
    dots = "".join(
        f'<circle class="{kind}" cx="{at:.1f}" cy="{y(share):.1f}" r="5"/>'
        for kind, share in (("answered", answered[now]), ("right", right[now]))
        if share >= 1 - span
    )
    return (
        f'<figure class="threshold"><svg viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<clipPath id="above"><rect x="0" y="0" width="{WIDTH}" height="{floor}"/></clipPath>{marks}'
        f'<text x="{LEFT}" y="12"><tspan class="name">━</tspan> answered, of all (%)</text>'
        f'<text x="{WIDTH - RIGHT}" y="12" text-anchor="end">'
        '<tspan class="name right">╍</tspan> right, of those (%)</text>'
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">threshold (%)</text>'
        f'<g clip-path="url(#above)">{line(answered, "answered")}{line(right, "right")}</g>'
        f'<line class="now" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{floor}"/>{dots}'
        "</svg></figure>"
    )
