"""spans.py: what is known of each byte of a region, kept once for as many bytes in a row as share it.

    Spans.over(region, low, high) --> the spans that make up [low, high), split at its ends

Each span has its own value, made by `new()` for bytes that nothing is known of, and by `split(value)` where a span becomes two.
"""

from bisect import bisect_right
from dataclasses import dataclass

FAR = 1 << 40


@dataclass
class Span:
    low: int
    high: int
    value: object


class Spans:
    def __init__(self, new, split):
        self.new, self.split = new, split
        self.regions = {}  # name: (where each span begins, spans)

    def cut(self, region, at):
        """Returns: the number of the span that begins there."""
        if region not in self.regions:
            self.regions[region] = ([-FAR], [Span(-FAR, FAR, self.new())])
        begins, spans = self.regions[region]
        i = bisect_right(begins, at) - 1
        span = spans[i]
        if span.low == at:
            return i
        begins.insert(i + 1, at)
        spans.insert(i + 1, Span(at, span.high, self.split(span.value)))
        span.high = at
        return i + 1

    def over(self, region, low, high):
        if low >= high:
            return []
        first, end = self.cut(region, low), self.cut(region, high)
        return self.regions[region][1][first:end]

    def beginning(self, region, low):
        return self.regions[region][1][self.cut(region, low)]

    def forget(self, region):
        self.regions.pop(region, None)

    def of(self, region):
        """Returns: a copy of the list of the spans of the region."""
        return list(self.regions.get(region, ((), ()))[1])
