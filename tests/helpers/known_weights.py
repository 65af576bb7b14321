"""Matrices that are revealed direction by direction and yet stored: the same weights whatever the tolerance
accepts.

With ordinary matrices another tolerance accepts other directions, which get other draws; here two runs differ
by nothing but what the tolerance leaves out.
"""

import zlib

import numpy as np
import pytest

from tensorprog_mf.matrices.conditioned import Conditioned


class Known(Conditioned):
    """Images of new directions are those of a matrix of N(0,1) entries."""

    def __init__(self, name, out, into, tolerance, weighted=False):
        super().__init__(name, out, into, tolerance, weighted)
        self.weights = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(
            (out.count, into.count)
        )

    def _innovations(self, query, this):
        if not query.added:
            return super()._innovations(query, this)
        weights = self.weights if query.transposed else self.weights.T
        return this.basis.rows[-len(query.added) :] @ weights / np.sqrt(this.basis.sites.count)


@pytest.fixture
def known_weights(monkeypatch):
    """All conditioned matrices of a test have weights that only their name and size decide."""
    monkeypatch.setattr("tensorprog_mf.matrices.realization.Conditioned", Known)
