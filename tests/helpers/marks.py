"""Marks of tests in which a warning of ours is to be expected; all others are errors."""

import pytest

_ERRORS = "tensorprog_mf.ground.errors"
# Few sites are quick, and what these tests look at holds at any rank.
near_full_rank = pytest.mark.filterwarnings(f"ignore:At step:{_ERRORS}.RankWarning")
# What these tests look at is known exactly, or told of by the warning itself.
heavy_tailed = pytest.mark.filterwarnings(f"ignore:From step:{_ERRORS}.HeavyTailWarning")
# Runs of a few sites do not reveal all directions that the next one asks for.
short_of_draws = pytest.mark.filterwarnings(f"ignore:common_draws:{_ERRORS}.DrawsWarning")
# The command line shows warnings to its user.
shown = pytest.mark.filterwarnings("default::UserWarning")
