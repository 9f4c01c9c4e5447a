import math

from sandbox.gateway.stats import Counts, read

TEXT = """\
cluster.shop~blue.membership_healthy: 1
cluster.shop~blue.membership_total: 2
cluster.shop~blue.upstream_cx_connect_fail: 3
cluster.shop~blue.upstream_rq_2xx: 90
cluster.shop~blue.upstream_rq_5xx: 10
cluster.shop~blue.upstream_rq_active: 4
cluster.shop~blue.upstream_rq_pending_overflow: 5
cluster.shop~blue.upstream_rq_retry: 6
cluster.shop~blue.upstream_rq_timeout: 7
cluster.shop~blue.upstream_rq_total: 100
cluster.shop~green.upstream_rq_total: 0
cluster.shop~green~mirror.upstream_rq_total: 8
cluster.shop~blue.upstream_rq_time: B0.5(0,10) B1(0,50) B2(1,99) B60000(1,100)
cluster.shop~green.upstream_rq_time: No recorded values
"""


def test_every_number_finds_its_place():
    found = read(TEXT, 1.0)
    blue = found.live["shop", "blue"]
    assert (blue.requests, blue.active, blue.retried, blue.refused, blue.timed_out) == (100, 4, 6, 5, 7)
    assert (blue.unreachable, blue.instances, blue.healthy) == (3, 2, 1)
    assert blue.answered == {"2xx": 90, "5xx": 10}
    assert blue.latency_ms == {0.5: 10, 1.0: 50, 2.0: 99, 60000.0: 100}


def test_copies_are_kept_apart():
    found = read(TEXT, 1.0)
    assert found.mirror == {("shop", "green"): Counts(requests=8)}
    assert found.live["shop", "green"].requests == 0


def test_quantiles_are_upper_bounds():
    blue = read(TEXT, 1.0).live["shop", "blue"]
    assert [blue.quantile(share) for share in (0.1, 0.5, 0.99, 1.0)] == [0.5, 1.0, 2.0, 60000.0]
    assert read(TEXT, 1.0).live["shop", "green"].quantile(0.5) is None


def test_requests_beyond_the_last_bound_count_too():
    assert Counts(latency_ms={1.0: 1, math.inf: 2}).quantile(1.0) == math.inf


def test_nothing_counted_is_an_empty_snapshot():
    assert (read("", 1.0).live, read("", 1.0).mirror) == ({}, {})
