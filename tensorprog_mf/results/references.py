"""Which papers a result rests on; of training, route, architecture, training and settings decide."""

from collections.abc import Iterator

PAPERS = {
    "field theory": "Bordelon & Pehlevan 2022, arXiv:2205.09653",
    "tensor programs": "Yang & Hu 2021, arXiv:2011.14522",
    "conditioning": "Bolthausen 2014; Lu 2021, 'Householder Dice'",
    "finite width": "Bordelon & Pehlevan 2023, arXiv:2304.03408",
    "tangent kernel": "Jacot, Gabriel & Hongler 2018, arXiv:1806.07572",
    "linearised": "Lee et al. 2019, arXiv:1902.06720",
    "Gaussian process": "Lee et al. 2018, arXiv:1711.00165",
    "arc-cosine": "Cho & Saul 2009",
    "arcsine": "Williams 1997",
    "residual field theory": "Bordelon, Noci, Li, Hanin & Pehlevan 2023, arXiv:2309.16620",
    "residual tensor programs": "Yang, Yu, Zhu & Hayou 2023, arXiv:2310.02244",
    "attention": "Bordelon, Chaudhry & Pehlevan 2024, arXiv:2405.15712",
    "two layers": "Mei, Montanari & Nguyen 2018, arXiv:1804.06561",
    "many layers": "Nguyen & Pham 2020, arXiv:2001.11443",
    "many particles": "Mei, Misiakiewicz & Montanari 2019, arXiv:1902.06015",
    "exponential fluxes": "Scharfetter & Gummel 1969",
    "Frank-Wolfe": "Lacoste-Julien & Jaggi 2015",
    "autoencoders": "Nguyen 2021, arXiv:2102.08373",
    "scaling laws": "Bordelon, Atanasov & Pehlevan 2024, arXiv:2402.01092",
    "scaling laws of learned features": "Bordelon, Atanasov & Pehlevan 2024, arXiv:2409.17858",
    "learning rules": "Bordelon & Pehlevan 2023, arXiv:2210.02157",
    "feedback alignment": "Lillicrap et al. 2016",
    "direct feedback alignment": "Nokland 2016",
    "Bayesian": "Yang, Robeyns, Milsom, Anson, Schoots & Aitchison 2023, arXiv:2108.13097",
    "Nesterov": "Sutskever et al. 2013",
}
_WIDE = ("field theory", "tensor programs")  # the limit of muP, of which all but mean-field networks are
_ARCHITECTURES = {
    "MeanFieldMLP": ("two layers", "many layers"),
    "ResidualMLP": (*_WIDE, "residual field theory", "residual tensor programs"),
    "Transformer": (*_WIDE, "attention"),
}
_RULES = {
    "feedback_alignment": ("learning rules", "feedback alignment"),
    "direct_feedback_alignment": ("learning rules", "direct feedback alignment"),
    "hebb": ("learning rules",),
}
_CLOSED_FORMS = {"relu": "arc-cosine", "scaled_relu": "arc-cosine", "erf": "arcsine"}
_SAMPLED = ("sample", "gradient_independence", "perturbation")  # by revealing matrices as they are asked


def cite(*names: str) -> str:
    """Entries of `PAPERS` as one attribute, each once, in this order."""
    return "; ".join(PAPERS[name] for name in dict.fromkeys(names))


def of_training(route: str, network: dict, training: dict, settings: dict) -> str:
    """The papers to cite for a result, from what `describe()` says of its network and training.

    Parameters
    ----------
    route
        Name of the route.
    network, training, settings
        Plain values, as in the attributes network_json, training_json and settings_json.
    """
    return cite(
        *_of_network(route, network),
        *_of_route(route, network, training, settings),
        *_of_options(training),
    )


def _of_network(route: str, network: dict) -> tuple[str, ...]:
    found = _ARCHITECTURES.get(network["architecture"], _WIDE)
    # Where kernels stay at their start the limit of learning features is not needed.
    return tuple(name for name in found if name != "tensor programs") if route == "static_ntk" else found


def _of_route(route: str, network: dict, training: dict, settings: dict) -> Iterator[str]:
    mean_field = network["architecture"] == "MeanFieldMLP"  # hidden matrices of averages reveal nothing
    revealed = settings.get("matrix") == "conditioned" or settings.get("kernel") == "sampled"
    if (route in _SAMPLED or revealed) and not mean_field:
        yield "conditioning"
    if settings.get("parameterization") == "ntk":
        yield "tangent kernel"
    if route == "static_ntk":
        yield "tangent kernel"
        yield from _of_ensemble(training, settings)
        if settings.get("kernel") == "closed_form":
            yield from filter(None, [_CLOSED_FORMS.get(network["activation"]["name"])])


def _of_ensemble(training: dict, settings: dict) -> Iterator[str]:
    """Of lazy networks that start at random outputs; with only the readout trained, Bayesian ones."""
    if settings.get("ensemble") is not None:
        yield "linearised"
        multipliers = training.get("multipliers")
        if multipliers and not any(multipliers[:-1]):
            yield "Gaussian process"


def _of_options(training: dict) -> Iterator[str]:
    rule = training.get("learning_rule") or {}
    yield from _RULES.get(rule.get("name", ""), ())
    if training.get("temperature"):
        yield "Bayesian"
    if training.get("nesterov"):
        yield "Nesterov"
