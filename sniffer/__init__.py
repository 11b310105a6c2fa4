"""Observes HTTP on the wire and writes every exchange as one access-log line.

The way of the data: frame -> segment -> stream -> message -> transaction -> line.

- frame: the bytes of one packet as captured, with the time it was seen.
- segment: the TCP part of a frame: addresses, sequence numbers, flags, payload.
- stream: one direction of a flow, its bytes put in order; what is missing is a gap.
- flow: the two streams between two address-port pairs.
- message: a request's or response's head and the length of its body.
- transaction: a request with its response, or without one.

Shares nothing with ``monitor`` but the format of a line (docs/log-format.md).
"""

__version__ = "0.1.0"
