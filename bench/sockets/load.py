"""Who was busy while something was measured: turns two CPU readings and a wall time into figures."""

from dataclasses import dataclass

from bench.sockets.peer import Stats

BUSY = 0.85


@dataclass(frozen=True, slots=True)
class Load:
    """`count` pieces of work in `seconds`, for which server and client used this much CPU time.

    server_user_s: the server's share outside the kernel, the only one that its code can do much about.
    """

    count: int
    seconds: float
    server_cpu_s: float
    server_user_s: float
    client_cpu_s: float

    @classmethod
    def between(
        cls, before: Stats, after: Stats, *, count: int, seconds: float, client_cpu_s: float
    ) -> "Load":
        """The load between two readings of the server."""
        cpu_s, user_s = after.cpu_s - before.cpu_s, after.user_s - before.user_s
        return cls(count, seconds, cpu_s, user_s, client_cpu_s)

    def __add__(self, other: "Load") -> "Load":
        return Load(
            self.count + other.count,
            self.seconds + other.seconds,
            self.server_cpu_s + other.server_cpu_s,
            self.server_user_s + other.server_user_s,
            self.client_cpu_s + other.client_cpu_s,
        )

    def figures(self, noun: str, plural: str) -> dict[str, float | str]:
        """Rate by the wall clock, rate of one full server core, CPU each, and what bounded the rate."""
        return {
            f"{plural}_per_s": self.count / self.seconds,
            f"{plural}_per_cpu_s": self.count / self.server_cpu_s,
            f"cpu_us_per_{noun}": self.server_cpu_s / self.count * 1e6,
            f"user_us_per_{noun}": self.server_user_s / self.count * 1e6,
            "server_busy": self.server_cpu_s / self.seconds,
            "client_busy": self.client_cpu_s / self.seconds,
            "binding": self.binding(),
        }

    def binding(self) -> str:
        """`server` or `client`, whichever filled its core; `neither` when pace or other processes did."""
        busiest = max(self.server_cpu_s, self.client_cpu_s)
        if busiest < BUSY * self.seconds:
            return "neither"
        return "server" if busiest == self.server_cpu_s else "client"
