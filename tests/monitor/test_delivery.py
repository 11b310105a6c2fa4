"""The courier: in order, one at a time, bounded, never in the monitor's way."""

import threading

from monitor.output.delivery import QUEUE, Courier, Deliveries, DeliveryFailedError, Patience
from monitor.output.notice import Notice


def notice(number: int) -> Notice:
    return Notice(f"raised at {number}", b"{}", {})


class Gate:
    """A delivery that hangs until it is let through."""

    def __init__(self) -> None:
        self.busy = threading.Event()
        self.open = threading.Event()
        self.came: list[str] = []

    def __call__(self, notice: Notice, patience: Patience) -> None:
        self.busy.set()
        while not self.open.wait(0.01):
            if patience.over:
                raise DeliveryFailedError("over")
        self.came.append(notice.title)


def test_notices_arrive_in_order() -> None:
    gate = Gate()
    gate.open.set()
    courier = Courier("test", gate)
    for number in range(20):
        courier.offer(notice(number))
    courier.hurry()
    courier.close()
    assert gate.came == [f"raised at {number}" for number in range(20)]
    assert courier.counts == Deliveries(20, 0, 0)
    assert courier.messages() == []


def test_a_flood_on_a_delivery_that_hangs_is_bounded_and_the_drops_are_counted_and_told() -> None:
    gate = Gate()
    courier = Courier("test", gate)
    courier.offer(notice(0))
    assert gate.busy.wait(10)
    for number in range(1, QUEUE + 4):
        courier.offer(notice(number))
    assert courier.counts == Deliveries(0, 0, 3)
    assert courier.messages()[-1] == (
        f"test: not delivered: raised at {QUEUE + 3}: {QUEUE} are waiting (dropped so far: 3)"
    )
    gate.open.set()
    courier.hurry()
    courier.close()
    assert courier.counts == Deliveries(QUEUE + 1, 0, 3)


def test_a_failure_is_counted_and_told_and_the_next_one_goes_on() -> None:
    def deliver(notice: Notice, patience: Patience) -> None:
        if notice.title.endswith("0"):
            raise DeliveryFailedError("exit status 3")

    courier = Courier("test", deliver)
    courier.offer(notice(0))
    courier.offer(notice(1))
    courier.hurry()
    courier.close()
    assert courier.counts == Deliveries(1, 1, 0)
    assert courier.messages() == ["test: raised at 0: exit status 3 (failed so far: 1)"]


def test_at_the_end_what_hangs_is_cut_short_and_the_rest_dropped() -> None:
    gate = Gate()
    courier = Courier("test", gate)
    for number in range(3):
        courier.offer(notice(number))
    assert gate.busy.wait(10)
    courier.hurry(0.05)
    courier.close()
    assert courier.counts == Deliveries(0, 1, 2)
    assert [message.rpartition(": ")[0] for message in courier.messages()[1:]] == [
        "test: not delivered: raised at 1: the monitor ended (dropped so far",
        "test: not delivered: raised at 2: the monitor ended (dropped so far",
    ]


def test_at_the_end_what_no_patience_reaches_is_told_too() -> None:
    busy, let_go = threading.Event(), threading.Event()

    def deliver(notice: Notice, patience: Patience) -> None:
        busy.set()
        let_go.wait(60)

    courier = Courier("test", deliver)
    courier.offer(notice(0))
    courier.offer(notice(1))
    assert busy.wait(10)
    courier.hurry(-1)
    courier.close()
    let_go.set()
    assert courier.messages() == [
        "test: not delivered: raised at 0: the monitor ended (dropped so far: 1)",
        "test: not delivered: raised at 1: the monitor ended (dropped so far: 2)",
    ]


def test_messages_are_bounded() -> None:
    gate = Gate()
    courier = Courier("test", gate)
    courier.offer(notice(0))
    assert gate.busy.wait(10)
    for number in range(3 * QUEUE):
        courier.offer(notice(number))
    assert len(courier.messages()) == 100
    courier.hurry(0)
    courier.close()
