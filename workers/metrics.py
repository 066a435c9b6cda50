"""What Prometheus sees of the workers. Labels are names of ours, never ids."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from domain.jobs import Depth, Lane

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

JOBS = Counter("jobs_total", "Attempts by how they ended", ["name", "lane", "verdict"])
RUN_SECONDS = Histogram("job_seconds", "Run time of an attempt", ["name", "lane"], buckets=SECONDS)
WAIT_SECONDS = Histogram("job_wait_seconds", "From due to started", ["lane"], buckets=SECONDS)
RUNNING = Gauge("jobs_running", "Attempts in this process", ["lane"])
QUEUED = Gauge("jobs_queued", "Jobs in Redis", ["lane", "when"])
PAUSED = Gauge("jobs_lane_paused", "1 while the lane is paused", ["lane"])
UNSETTLED = Gauge("jobs_unsettled", "Ends that are not yet written")
FIRST_RESPONSE_SECONDS = Histogram(
    "sos_first_response_seconds",
    "From an SOS to its first human response",
    ["category"],
    buckets=(5, 10, 20, 30, 60, 120, 180, 300, 480, 900, 1800, 3600),
)
SOS_WAITING = Gauge("sos_waiting", "SOS that nobody has answered yet")
SOS_OLDEST_SECONDS = Gauge("sos_waiting_oldest_seconds", "For how long the oldest of them has waited")
REPUSHED = Counter("jobs_repushed_total", "Jobs Redis had lost or never got", ["why"])
RECONCILED = Counter("reconciled_total", "Kept sums that were not the truth and were put right", ["what"])
ERASURES_OVERDUE = Counter(
    "erasures_overdue_total", "Erasures found to take more than a day, counted again with every look"
)
LOOP_FAILURES = Counter("worker_loop_failures_total", "Failed rounds of loops that must live", ["loop"])


def show_depths(depths: Mapping[Lane, Depth]) -> None:
    for lane, depth in depths.items():
        QUEUED.labels(lane, "due").set(depth.due)
        QUEUED.labels(lane, "later").set(depth.later)
        PAUSED.labels(lane).set(depth.paused)
