from bench.sockets.cases import reconnect
from bench.sockets.product import started_product


def test_a_crowd_that_comes_back_hears_all_it_missed_from_one_read_for_each_room() -> None:
    with started_product() as server:
        figures = reconnect.measure(server, 300, 0.2)["reconnect"]
    assert figures["missed"] == figures["out_of_order_or_twice"] == figures["not_recovered"] == 0
    rooms, reads = float(figures["rooms"]), float(figures["log_reads"])
    assert rooms == 1 + 300 / reconnect.SOCKETS_PER_ACCOUNT
    assert reads <= 2 * rooms + 2
