"""The first steps of training as a Tensor Program (Yang & Hu 2021), replayed in plain numpy, find the parts
of a result.

Of the library only `tp.sample` is used here. The program draws its own Gaussian variables and gets its
responses by the chain rule, site by site; the library draws images of directions and never differentiates.
recipes/tensor_programs.md has the symbols and the equations.

Legend: layers 1 ... depth; a query i = (t, mu) is example mu at pass t, flattened; arrays are (query, site).
u = Z-hat of h, r = Z-hat of z, h and z the fields, x = phi(h), g = phi'(h) z, phi = tanh.
"""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import tensorprog_mf as tp

PASSES, RATE, RICHNESS = (
    3,
    2.0,
    1.5,
)  # t = 0, 1, 2; so rich and fast that responses are half as large as the fields
TARGETS = np.array([1.0, -1.0, 0.8])
INPUTS = np.random.default_rng(3).normal(size=(4, 6))  # the last one is a test point
INPUTS *= np.sqrt(6) / np.linalg.norm(INPUTS, axis=1, keepdims=True)
EXAMPLES = len(INPUTS)
QUERIES = PASSES * EXAMPLES
TIME = np.arange(QUERIES) // EXAMPLES
PAST = TIME[:, None] > TIME  # (query, earlier query)

PROGRAMS, PROGRAM_SITES = 24, 8192
RUNS, RUN_SITES = 16, 4096


# The program.


class Layer:
    """The sites of one layer: fields, and the derivatives of x and g by every u and r, (query, variable,
    site).

    Variables are u of queries 0, 1, ..., then r of queries 0, 1, ...; kernels, responses and Delta are
    constants here, as they are deterministic in the limit.
    """

    def __init__(self, sites: int, rng: np.random.Generator):
        self.noise = rng.normal(size=(2, QUERIES, sites))
        self.u, self.r, self.h, self.z, self.x, self.g = np.zeros((6, QUERIES, sites))
        self.d_h, self.d_x, self.d_g = np.zeros((3, QUERIES, 2 * QUERIES, sites))

    def forward(self, now: slice, coefficients: np.ndarray) -> None:
        """h = u + coefficients g over the past, x = phi(h)."""
        past = slice(0, now.start)
        self.h[now] = self.u[now] + coefficients @ self.g[past]
        self.d_h[now] = np.tensordot(coefficients, self.d_g[past], 1)
        for i in range(now.start, now.stop):
            self.d_h[i, i] += 1
        self.x[now] = np.tanh(self.h[now])
        self.d_x[now] = (1 - self.x[now] ** 2)[:, None] * self.d_h[now]

    def backward(self, now: slice, coefficients: np.ndarray) -> None:
        """z = r + coefficients x over the past and now, g = phi'(h) z."""
        so_far = slice(0, now.stop)
        self.z[now] = self.r[now] + coefficients @ self.x[so_far]
        d_z = np.tensordot(coefficients, self.d_x[so_far], 1)
        for i in range(now.start, now.stop):
            d_z[i - now.start, QUERIES + i] += 1
        slope = 1 - self.x[now] ** 2
        curvature = -2 * self.x[now] * slope
        self.g[now] = slope * self.z[now]
        self.d_g[now] = (curvature * self.z[now])[:, None] * self.d_h[now] + slope[:, None] * d_z


def gaussian(kernel: np.ndarray, noise: np.ndarray, now: slice) -> np.ndarray:
    """Rows `now` of Gaussian variables of this covariance; earlier rows, already used, are those of earlier
    calls."""
    so_far = slice(0, now.stop)
    return np.linalg.cholesky(kernel[so_far, so_far])[now] @ noise[so_far]


def moment(left: np.ndarray, kernel: np.ndarray, now: slice) -> None:
    """Write E[left_i left_j] of the queries `now` with all up to now into a kernel."""
    so_far = slice(0, now.stop)
    kernel[now, so_far] = left[now] @ left[so_far].T / left.shape[1]
    kernel[so_far, now] = kernel[now, so_far].T


def program(depth: int, sites: int, seed: int, rate: float = RATE) -> SimpleNamespace:
    """Run the program: passes t = 0, 1, 2, each forward, error signal, backward.

    Returns f and Delta (query,), kernels Phi[l], G[l] and responses A[l] (of x^l by r^l), B[l] (of g^l by
    u^l), each (layer, query, query), and the layers.
    """
    rng = np.random.default_rng(seed)
    layers = [Layer(sites, rng) for _ in range(depth)]
    Phi, G, A, B = np.zeros((4, depth + 2, QUERIES, QUERIES))
    f, Delta = np.zeros((2, QUERIES))
    # The two ends have no hidden matrix: inputs and readout are given once and for all.
    Phi[0], G[depth + 1] = np.tile(INPUTS @ INPUTS.T / INPUTS.shape[1], (PASSES, PASSES)), 1.0
    layers[0].u[:] = np.tile(gaussian(Phi[0], layers[0].noise[0], slice(0, EXAMPLES)), (PASSES, 1))
    w = layers[-1].r[:] = layers[-1].noise[1, 0]
    for t in range(PASSES):
        now, past = slice(t * EXAMPLES, (t + 1) * EXAMPLES), slice(0, t * EXAMPLES)
        so_far, learned = slice(0, now.stop), rate * RICHNESS * Delta
        for i, layer in enumerate(layers, 1):
            if i > 1:
                layer.u[now] = gaussian(Phi[i - 1], layer.noise[0], now)
            layer.forward(now, (A[i - 1] + Phi[i - 1] * learned)[now, past])
            moment(layer.x, Phi[i], now)
            A[i, now] = layer.d_x[now, QUERIES:].mean(axis=2)
        z = w + learned[past] @ layer.x[past]
        # E[w phi(h(0))] = 0: its estimate is subtracted, which makes all outputs quieter.
        f[now] = (layer.x[now] @ z - layer.x[:EXAMPLES] @ w) / (sites * RICHNESS)
        Delta[now][: len(TARGETS)] = (TARGETS - f[now][: len(TARGETS)]) / len(TARGETS)
        for i, layer in reversed(list(enumerate(layers, 1))):
            if i < depth:
                layer.r[now] = gaussian(G[i + 1], layer.noise[1], now)
            # `learned` is from before this pass: its Delta of now is still zero.
            layer.backward(now, (B[i + 1] + G[i + 1] * learned)[now, so_far])
            moment(layer.g, G[i], now)
            B[i, now] = layer.d_g[now, :QUERIES].mean(axis=2)
    return SimpleNamespace(f=f, Delta=Delta, Phi=Phi, G=G, A=A, B=B, layers=layers)


@functools.cache
def programs(depth: int, rate: float = RATE, repetitions: int = PROGRAMS) -> SimpleNamespace:
    """Independent repetitions: (repetition, ...) of all that a program finds, and covariances of fields with
    Z-hats."""
    rows = []
    for seed in range(repetitions):
        one = program(depth, PROGRAM_SITES, seed, rate)
        layers = one.__dict__.pop("layers")
        one.x_r = np.array([layer.x @ layer.r.T / PROGRAM_SITES for layer in layers])
        one.g_u = np.array([layer.g @ layer.u.T / PROGRAM_SITES for layer in layers])
        rows.append(one.__dict__)
    return SimpleNamespace(**{name: np.array([row[name] for row in rows]) for name in rows[0]})


@functools.cache
def coefficients(depth: int) -> SimpleNamespace:
    """Means over repetitions, and what multiplies g and x of the past in learned parts, per layer 0 ... depth
    + 1."""
    mean = SimpleNamespace(**{name: values.mean(axis=0) for name, values in programs(depth).__dict__.items()})
    mean.learned_forward = PAST * mean.Phi * (RATE * RICHNESS * mean.Delta)
    mean.learned_backward = PAST * mean.G * (RATE * RICHNESS * mean.Delta)
    return mean


# The library, at the same settings.


def sampled(
    depth: int, n_samples: int, seed: int, draws: str = "sobol", rate: float = RATE
) -> SimpleNamespace:
    """One run: outputs, kernels, and at all its sites the fields and their parts, (layer, query, site)."""
    problem = tp.Problem(INPUTS[: len(TARGETS)], TARGETS, INPUTS[len(TARGETS) :])
    network, training = tp.MLP(depth, "tanh", RICHNESS), tp.Training(PASSES - 1, rate)
    ds = tp.sample(
        network,
        problem,
        training,
        n_samples=n_samples,
        n_replicates=1,
        samples=n_samples,
        seed=seed,
        draws=draws,
        tolerance=1e-6,
        progress=False,
    )

    def flat(name):
        return (
            ds[name]
            .transpose("layer", "time", "example", "sample")
            .values.astype(float)
            .reshape(depth, QUERIES, n_samples)
        )

    fields = {
        symbol + part: flat(name + part)
        for name, symbol in (("preactivation", "h"), ("backward_field", "z"))
        for part in ("", "_gaussian_part", "_response_part", "_learned_part")
    }
    x = np.tanh(fields["h"])
    return SimpleNamespace(**fields, x=x, g=(1 - x**2) * fields["z"], ds=ds)


@functools.cache
def runs(depth: int) -> list[SimpleNamespace]:
    """Independent runs."""
    return [sampled(depth, RUN_SITES, seed) for seed in range(RUNS)]


# Comparing.


def excess(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference of two means, (repetition, ...), over what chance allows a family of entries: above
    1 fails.

    Student's t with as many degrees of freedom as the smaller set has, at 1e-4 over the number of entries
    (Bonferroni): 8 to 9 standard errors at 16 repetitions. False alarm: at most 1e-4 per family, whatever the
    correlations.
    """
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    error = np.sqrt(a.var(axis=0, ddof=1) / len(a) + b.var(axis=0, ddof=1) / len(b))
    allowed = stats.t.isf(1e-4 / (2 * error.size), min(len(a), len(b)) - 1)
    return float(np.max(np.abs(a.mean(axis=0) - b.mean(axis=0)) / (allowed * error)))


def rms(values: np.ndarray, axis=None) -> np.ndarray:
    """Root mean square."""
    return np.sqrt(np.mean(np.square(values), axis=axis))


def by_pass(values: np.ndarray) -> np.ndarray:
    """Root mean square over the examples of each pass."""
    return rms(values.reshape(PASSES, EXAMPLES), axis=1)


def covariance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean over sites of all products, (query, query)."""
    return a @ b.T / a.shape[1]


def covariances(depth: int, left: str, right: str, layer: int) -> np.ndarray:
    """Of two fields of a layer over the sites, (run, query, query)."""
    return np.array(
        [covariance(getattr(run, left)[layer - 1], getattr(run, right)[layer - 1]) for run in runs(depth)]
    )


def response_errors(run: SimpleNamespace) -> np.ndarray:
    """The program's A and B applied to a run's own fields, against the stored response parts: (field,
    query)."""
    found = coefficients(2)
    return np.array(
        [
            rms(run.h_response_part[1] - found.A[1] @ run.g[1], axis=1),
            rms(run.z_response_part[0] - found.B[2] @ run.x[0], axis=1),
        ]
    )


def sampling_error(n_samples: int) -> np.ndarray:
    """The error of `response_errors` to expect of independent draws at n_samples sites, (field, query).

    A direction of a query brings with it one estimate <V_j e> for each direction j that the other side had
    revealed before, of variance 1/n_samples; row i of the Cholesky factor holds the coefficients of query i
    on the directions.
    """
    found = coefficients(2)
    before = EXAMPLES * np.array([TIME, TIME + 1])  # directions revealed by backward and by forward queries
    squares = np.array([np.linalg.cholesky(found.Phi[1]), np.linalg.cholesky(found.G[2])]) ** 2
    return np.sqrt(np.einsum("fik,fk->fi", squares, before) / n_samples)


# The tests.


def test_responses_of_the_program_obey_steins_lemma():
    """E[x r'] = A G and E[g u'] = B Phi: the chain rule against moments, both of the program."""
    found = programs(2)
    for moments, products in (
        (found.x_r[:, 0], found.A[:, 1] @ found.G[:, 2]),
        (found.g_u[:, 1], found.B[:, 2] @ found.Phi[:, 1]),
    ):
        # Both come from the same draws, so it is their difference that has a standard error.
        entries = moments.mean(axis=0) != 0
        assert excess((moments - products)[:, entries], np.zeros((PROGRAMS, entries.sum()))) <= 1


@pytest.mark.parametrize("depth", [1, 2])
def test_outputs_and_kernels(depth):
    """f, and Phi and G between all pairs of passes."""
    found, outputs = programs(depth), np.array([run.ds.output.values.ravel() for run in runs(depth)])
    assert np.abs(outputs[:, :EXAMPLES]).max() < 1e-12 and np.abs(found.f[:, :EXAMPLES]).max() < 1e-12
    assert excess(outputs[:, EXAMPLES:], found.f[:, EXAMPLES:]) <= 1
    for layer in range(1, depth + 1):
        assert excess(covariances(depth, "x", "x", layer), found.Phi[:, layer]) <= 1
        assert excess(covariances(depth, "g", "g", layer), found.G[:, layer]) <= 1
        for name, kernel in (("feature_kernel", found.Phi), ("gradient_kernel", found.G)):
            stored = np.array([run.ds[name].sel(layer=layer).values for run in runs(depth)])
            equal = np.array(
                [[one[t == TIME][:, t == TIME] for t in range(PASSES)] for one in kernel[:, layer]]
            )
            assert excess(stored, equal) <= 1


def test_response_parts_site_by_site():
    """A g and B x with the program's A and B are the stored response parts, up to the sampling error of the
    run."""
    stored = runs(2)[0]
    sizes = by_pass(rms(stored.h_response_part[1], axis=1)), by_pass(rms(stored.z_response_part[0], axis=1))
    # A third to a half of the fields, in every pass but the first, where E[phi''(h) w] = 0.
    assert min(sizes[0][1:]) > 0.25 and min(sizes[1][1:]) > 0.4 and sizes[0][0] == 0 and sizes[1][0] < 0.01
    for n_samples in (1024, 16384):
        pseudo, sobol = (
            rms([response_errors(sampled(2, n_samples, seed, draws)) for seed in range(8)], axis=0)
            for draws in ("pseudo-random", "sobol")
        )
        expected = sampling_error(n_samples)
        for field in (0, 1):
            # At t = 0 the readout, orthogonal to the features, has taken most of the error away.
            ratio = by_pass(pseudo[field])[1:] / by_pass(expected[field])[1:]
            # Squares of 8 runs times 4 or more estimates: chi-square / 32 leaves 0.36 ... 2.25 with chance
            # 4e-4, times 8 ratios. Measured 0.77 ... 1.18.
            assert ratio.min() > 0.6 and ratio.max() < 1.5, (n_samples, field, ratio)
            # Sobol draws: measured 0.05 ... 0.5 of it.
            assert (by_pass(sobol[field]) <= 0.75 * by_pass(expected[field])).all(), (n_samples, field)
    # So at 16384 sites the stored parts are those of the program to one or two per cent.
    assert (by_pass(sobol[0])[1:] < 0.01 * sizes[0][1:]).all() and (
        by_pass(sobol[1])[1:] < 0.02 * sizes[1][1:]
    ).all()


@pytest.mark.parametrize("depth", [1, 2])
def test_gaussian_parts(depth):
    """Covariances over sites are Phi^{l-1} and G^{l+1} between all pairs of passes; Gaussian; u and r
    independent."""
    found = programs(depth)
    for layer in range(1, depth + 1):
        u, r = "h_gaussian_part", "z_gaussian_part"
        assert excess(covariances(depth, u, u, layer), found.Phi[:, layer - 1]) <= 1
        assert excess(covariances(depth, u, r, layer), np.zeros((RUNS, QUERIES, QUERIES))) <= 1
        if layer < depth:
            assert excess(covariances(depth, r, r, layer), found.G[:, layer + 1]) <= 1
            fourth = np.array([np.mean(run.z_gaussian_part[layer - 1] ** 4, axis=1) for run in runs(depth)])
            assert excess(fourth, 3 * found.G[:, layer + 1].diagonal(0, 1, 2) ** 2) <= 1
        fourth = np.array([np.mean(run.h_gaussian_part[layer - 1] ** 4, axis=1) for run in runs(depth)])
        assert excess(fourth, 3 * found.Phi[:, layer - 1].diagonal(0, 1, 2) ** 2) <= 1
    for run in runs(depth):  # inputs and readout have no other matrix behind them: constant in time
        first, last = run.h_gaussian_part[0].reshape(PASSES, EXAMPLES, -1), run.z_gaussian_part[-1]
        assert (first == first[0]).all() and (last == last[0]).all()
        np.testing.assert_allclose(np.mean(last[0] ** 2), 1, rtol=1e-6)


@pytest.mark.parametrize("depth", [1, 2])
def test_learned_parts_site_by_site(depth):
    """What is neither Gaussian nor response is sum_s eta gamma0 Delta(s) kernel(t, s) times g(s) or x(s)."""
    found = coefficients(depth)
    for run in runs(depth)[:4]:
        own = RATE * RICHNESS * run.ds.error_signal.values.ravel()
        for layer in range(1, depth + 1):
            h, z = (
                getattr(run, field)[layer - 1]
                - getattr(run, f"{field}_gaussian_part")[layer - 1]
                - getattr(run, f"{field}_response_part")[layer - 1]
                for field in ("h", "z")
            )
            x, g = run.x[layer - 1], run.g[layer - 1]
            # With the program's Delta and kernels: to their and the run's sampling error, measured at most
            # 0.5 %.
            assert rms(h - found.learned_forward[layer - 1] @ g) < 0.01 * rms(h)
            assert rms(z - found.learned_backward[layer + 1] @ x) < 0.01 * rms(z)
            # With those of the run itself: to single precision.
            below = covariance(run.x[layer - 2], run.x[layer - 2]) if layer > 1 else found.Phi[0]
            above = covariance(run.g[layer], run.g[layer]) if layer < depth else np.ones_like(PAST, float)
            assert rms(h - (PAST * below * own) @ g) < 1e-5 * rms(h)
            assert rms(z - (PAST * above * own) @ x) < 1e-5 * rms(z)


def test_depth_one_has_no_response():
    """Without a hidden matrix all that is not Gaussian is learned."""
    for run in runs(1):
        assert (run.h_response_part == 0).all() and (run.z_response_part == 0).all()
        assert (
            rms(run.h_learned_part[0, 2 * EXAMPLES :]) > 0.5
            and rms(run.z_learned_part[0, 2 * EXAMPLES :]) > 0.5
        )


def test_single_responses_cannot_be_read_off_fields():
    """At a small rate x(t) hardly turns: B fitted to a stored part is off by more than B's largest entry, the
    part is not."""
    rate, now = 0.1, TIME == PASSES - 1
    run, B = sampled(2, RUN_SITES, 0, rate=rate), programs(2, rate, 6).B.mean(axis=0)[2]
    x, part = run.x[0], run.z_response_part[0, now]
    fitted = np.linalg.lstsq(x.T, part.T)[0].T
    assert rms(part - fitted @ x) < 1e-5 * rms(part)
    # Measured at four seeds: entries off by 0.25 ... 0.5 (largest entry 0.13), the part by 0.05 ... 0.06 of
    # itself.
    assert np.abs(fitted - B[now]).max() > 1.5 * np.abs(B).max()
    assert rms(part - B[now] @ x) < 0.1 * rms(part)
