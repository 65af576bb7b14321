"""How long a set of runs will still take, from what their steps took so far."""

import math

import numpy as np

_BINS = 64
_LEAST = 3  # steps, or bins of steps, before anything is said
_RECENT = 8  # bins that are looked at, or half of all that are known
_FALL = 0.7  # of the present costs, below which later ones are never estimated
_TOLD = 0.05  # share of a step from which its length can be estimated
_OUTLIER = 4  # times the median: a step that something else has held up
_OUTLYING = 1.4826  # of a normal law: standard deviation over median absolute deviation


class _Worker:
    """A thread and its run: steps done, share of the one under way, when that began."""

    def __init__(self, done: int, now: float, warm: bool):
        self.at, self.within, self.since, self.warm = done, 0.0, now, warm


class TimeLeft:
    """Counts steps of runs that go on side by side, and extrapolates what they cost.

    Costs of steps are kept by their number in a run: they grow with the ranks of the bases and begin anew in
    every run. The first step of a thread, in which kernels are compiled, says nothing about others. Steps
    that no run has reached follow the trend of the recent half of the steps, as far as it stands out of
    their scatter.

    Parameters
    ----------
    steps
        Steps of a run.
    runs
        Number of runs.
    """

    def __init__(self, steps: int, runs: int):
        self._steps, self._runs, self._begun = max(steps, 1), runs, 0
        self._workers: dict[int, _Worker] = {}
        self._spent, self._count = np.zeros((2, min(self._steps, _BINS)))

    def begin(self, thread: int, done: int, now: float) -> None:
        """A thread begins a run, `done` steps of which an earlier process has done."""
        known = self._workers.get(thread)
        self._workers[thread] = _Worker(done, now, known is not None and known.warm)
        self._begun += 1

    def advance(self, thread: int, now: float) -> None:
        """A step of the thread's run is done."""
        worker = self._of(thread, now)
        if worker.warm:
            self._spent[self._bin(worker.at)] += now - worker.since
            self._count[self._bin(worker.at)] += 1
        worker.at, worker.within, worker.since, worker.warm = worker.at + 1, 0.0, now, True

    def partial(self, thread: int, share: float, now: float) -> None:
        """This share of a step is done."""
        self._of(thread, now).within = min(share, 1.0)

    @property
    def fraction(self) -> float:
        """Share of all steps that is done."""
        current = sum(min(worker.at + worker.within, self._steps) for worker in self._workers.values())
        return min((self._begun - len(self._workers) + current / self._steps) / self._runs, 1.0)

    def seconds(self, now: float) -> float | None:
        """An estimate, or None while there is too little to go by."""
        costs = self._costs(now)
        if costs is None:
            return None
        loads = sorted(self._rest(worker, costs, now) for worker in self._workers.values())
        for _ in range(self._runs - self._begun):  # each goes to the thread that is free first
            loads[0] += costs.sum() * self._steps / len(costs)
            loads.sort()
        return loads[-1]

    def _of(self, thread: int, now: float) -> _Worker:
        worker = self._workers.get(thread)
        if worker is None or worker.at >= self._steps:
            self.begin(thread, 0, now)
        return self._workers[thread]

    def _bin(self, step: int) -> int:
        return min(step, self._steps - 1) * len(self._count) // self._steps

    def _rest(self, worker: _Worker, costs: np.ndarray, now: float) -> float:
        """Seconds to the end of the worker's own run."""
        if worker.at >= self._steps:
            return 0.0
        elapsed, width = now - worker.since, self._steps / len(costs)
        own = elapsed / worker.within if worker.within > _TOLD else costs[self._bin(worker.at)]
        edges = np.arange(len(costs)) * width
        later = np.clip(edges + width - (worker.at + 1), 0.0, width) @ costs
        return max(own - elapsed, 0.0) + later

    def _costs(self, now: float) -> np.ndarray | None:
        """Seconds per step, bin by bin."""
        spent, count = self._spent.copy(), self._count.copy()
        for worker in self._workers.values():  # a step that is long under way counts as if it were done
            here = self._bin(worker.at)
            if worker.within > _TOLD and worker.at < self._steps and not count[here]:
                spent[here], count[here] = (now - worker.since) / worker.within, 1
        known = np.flatnonzero(count)
        if len(known) < max(1, min(_LEAST, len(count) - 1)):
            return None
        costs = np.empty(len(count))
        costs[known] = spent[known] / count[known]
        last, bins = known[-1], np.arange(len(count))
        costs[: last + 1] = np.interp(bins[: last + 1], known, costs[known])
        level, slope = _trend(known[known >= min(last // 2, last - _RECENT)], costs)
        ahead = bins[last + 1 :]
        # Costs grow no faster than in proportion to the steps, and seldom fall by much.
        most = level * ahead / max(last, 1)
        costs[last + 1 :] = np.clip(level + slope * (ahead - last), _FALL * level, most)
        return costs


def _trend(bins: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """Level at the last bin and slope of a robust line (Theil & Sen), flat where scatter could make it."""
    values, last = costs[bins], bins[-1]
    if len(bins) < _LEAST:
        return float(np.mean(values)), 0.0
    i, j = np.triu_indices(len(bins), 1)
    slope = float(np.median((values[j] - values[i]) / (bins[j] - bins[i])))
    off = values - slope * (bins - last)
    scatter = _OUTLYING * float(np.median(np.abs(off - np.median(off))))
    # Standard errors that a slope must exceed: many from few points, whose scatter is hardly known.
    doubt = (2.5 + 4 / (len(bins) - 2)) * scatter / math.sqrt(float(((bins - bins.mean()) ** 2).sum()))
    slope *= max(0.0, 1 - (doubt / slope) ** 2) if slope else 0.0
    levels = values - slope * (bins - last)
    return float(levels[levels <= _OUTLIER * np.median(levels)].mean()), slope
