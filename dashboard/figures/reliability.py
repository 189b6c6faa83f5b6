"""How often a network is right when it is how sure, as a diagram: HTML."""

from html import escape

from nnlib.study import Reliability

SIDE = 300
ENOUGH = 50  # answers: of fewer, a bar is paler, as it may be chance
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 44  # around the bars


def reliability(found: Reliability, title: str) -> str:
    """Bars of the share that was right, one for each range of certainty, against the line where both are equal; the
    fewer answers there are in it, the paler."""
    bins = len(found.counts)
    wide, high = SIDE - LEFT - RIGHT, SIDE - TOP - BOTTOM
    floor = TOP + high
    marks = "".join(
        f'<line class="grid" x1="{LEFT}" x2="{SIDE - RIGHT}" y1="{floor - share * high}" y2="{floor - share * high}"/>'
        f'<text x="{LEFT - 6}" y="{floor - share * high + 4}" text-anchor="end">{100 * share:.0f}</text>'
        f'<text x="{LEFT + share * wide}" y="{floor + 16}" text-anchor="middle">{100 * share:.0f}</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    bars = ""
    shares = zip(found.counts.tolist(), found.certainty.tolist(), found.accuracy.tolist(), strict=True)
    for place, (count, certainty, accuracy) in enumerate(shares):
        if count:
            said = f"{count:,} answers, {certainty:.1%} sure on average: {accuracy:.1%} right"
            bars += (
                f'<rect x="{LEFT + place * wide / bins + 1:.1f}" y="{floor - accuracy * high:.1f}" '
                f'width="{wide / bins - 2:.1f}" height="{accuracy * high:.1f}" '
                f'fill-opacity="{min(1, count / ENOUGH):.2f}"><title>{said}</title></rect>'
            )
    middle = TOP + high / 2
    return (
        f'<figure class="reliability"><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {SIDE} {SIDE}">'
        f'{marks}{bars}<line class="equal" x1="{LEFT}" y1="{floor}" x2="{SIDE - RIGHT}" y2="{TOP}"/>'
        f'<text x="{LEFT + wide / 2}" y="{SIDE - 6}" text-anchor="middle">how sure it said it was (%)</text>'
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">right (%)</text>'
        "</svg></figure>"
    )
