"""One enumeration of how runs end."""

import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf.ground.status import Status


@pytest.mark.parametrize("status", list(Status))
def test_the_status_of_a_result_is_read_from_its_attribute(status):
    assert Status.of(xr.Dataset(attrs={"status": status.label})) is status


@pytest.mark.parametrize("attrs", [{}, {"status": "done"}])
def test_other_datasets_have_no_status(attrs):
    with pytest.raises(tp.InputError, match="is none of completed, .*; pass a result of this package"):
        Status.of(xr.Dataset(attrs=attrs))


def test_the_worst_replicate_speaks_for_a_run():
    order = ["completed", "converged", "finite_width", "not_converged", "interrupted", "stiff", "diverged"]
    assert [status.label for status in sorted(Status, key=lambda status: status.severity)] == order
    assert [status.label for status in Status if status.failed] == ["stiff", "diverged"]
