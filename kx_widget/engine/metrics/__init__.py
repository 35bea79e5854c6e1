"""The table of metrics. A metric is one file and one row here; those that cost least come first."""

from kx_widget.engine.metrics.agreement import agreement
from kx_widget.engine.metrics.aopc import aopc
from kx_widget.engine.metrics.completeness import completeness
from kx_widget.engine.metrics.deletion import deletion
from kx_widget.engine.metrics.effective_area import effective_area
from kx_widget.engine.metrics.infidelity import infidelity
from kx_widget.engine.metrics.insertion import insertion
from kx_widget.engine.metrics.max_sensitivity import max_sensitivity
from kx_widget.engine.metrics.mu_fidelity import mu_fidelity
from kx_widget.engine.metrics.pointing_game import pointing_game
from kx_widget.engine.metrics.random_logit import random_logit
from kx_widget.engine.metrics.randomization import randomization
from kx_widget.engine.metrics.relevance_mass_accuracy import relevance_mass_accuracy
from kx_widget.engine.metrics.relevance_rank_accuracy import relevance_rank_accuracy
from kx_widget.engine.metrics.road import road
from kx_widget.engine.metrics.single_deletion import single_deletion
from kx_widget.engine.metrics.sparseness import sparseness
from kx_widget.engine.metrics.srg import srg
from kx_widget.engine.registry import Metric, table
from kx_widget.engine.types import Parameter

DEFAULT = ("sparseness", "effective_area", "random_logit", "randomization", "srg", "single_deletion")

CURVES = "18 passes a map, 1 an image, 72 an image for comparison"
GRID = Parameter("grid", "int", 9, "Cells a side.", minimum=2, maximum=64)
SHARE = Parameter("share", "float", 0.2, "Which part of the cells a mask covers.", minimum=0.01, maximum=0.99)
MASKS = Parameter("masks", "int", 64, "How many masks.", minimum=3, maximum=10000)

METRICS = table(
    Metric,
    Metric(
        "sparseness", "Sparseness", sparseness, "higher", "form", (), "nothing",
        "The map's unevenness is {value:.2f}: 0 is the same everywhere, 1 all in one place.",
        "Chalasani et al. 2018, arXiv 1810.06583",
    ),
    Metric(
        "effective_area", "Effective area", effective_area, "lower", "form", (), "nothing",
        "Half of what {speaks} lies in {value:.0%} of the picture.",
        "after Petsiuk et al. 2018, arXiv 1806.07421",
        params=(Parameter("part", "float", 0.5, "Which part of the evidence.", minimum=0.01, maximum=1),),
    ),
    Metric(
        "completeness", "Completeness", completeness, "lower", "exact", ("a law",), "nothing",
        "The map adds up to what it explains, {value:.1%} apart.",
        "Sundararajan et al. 2017, arXiv 1703.01365",
        doubt=(0.1, "the map misses what it should add up to by {value:.0%}"),
    ),
    Metric(
        "pointing_game", "Pointing game", pointing_game, "higher", "place", ("masks",), "nothing",
        "Whether the highest point lies on the mask: {value:.0f}.",
        "Zhang et al. 2016, arXiv 1608.00507",
        params=(Parameter("tolerance", "int", 15, "How far from the mask is a hit, in pixels.", minimum=0),),
    ),
    Metric(
        "relevance_mass_accuracy", "Relevance mass accuracy", relevance_mass_accuracy, "higher", "place", ("masks",),
        "nothing", "{value:.0%} of what {speaks} lies on the mask.",
        "Arras et al. 2020, arXiv 2003.07258",
    ),
    Metric(
        "relevance_rank_accuracy", "Relevance rank accuracy", relevance_rank_accuracy, "higher", "place", ("masks",),
        "nothing", "Of as many highest pixels as the mask has, {value:.0%} lie on it.",
        "Arras et al. 2020, arXiv 2003.07258",
    ),
    Metric(
        "random_logit", "Random logit", random_logit, "lower", "class-specific", ("the method",), "1 head pass a class",
        "The maps of {others} are like this one by {value:.2f}, 1 being the same.",
        "Sixt et al. 2019, arXiv 1912.09818",
        params=(
            Parameter("classes", "int", 3, "How many of the best other classes are asked.", minimum=1, maximum=100),
            Parameter("drawn", "int", 1, "How many of the rest, by chance.", minimum=0, maximum=100),
        ),
        doubt=(
            0.9,
            "the maps of {others} look the same (ρ {value:.2f}), so it shows where the model looks and not {why}",
        ),
    ),
    Metric(
        "randomization", "Randomization", randomization, "lower", "weights", ("the method",),
        "3 head passes, or a pass where the whole model is permuted",
        "The maps of the model with permuted weights are like this one by {value:.2f}, 1 being the same.",
        "Adebayo et al. 2018, arXiv 1810.03292",
        params=(
            Parameter(
                "order", "choice", "top_down", "Layers after that of the map, or all.",
                choices=("top_down", "bottom_up"),
            ),
            Parameter("draws", "int", 1, "How many permutations.", minimum=1, maximum=100),
        ),
        doubt=(0.9, "with permuted weights it stays the same (ρ {value:.2f}), so it does not show what was learned"),
    ),
    Metric(
        "agreement", "Agreement", agreement, "higher", "agreeing", ("other methods",), "a head pass or 1 pass a method",
        "Other methods' maps are like this one by {value:.2f}, 1 being the same.",
        "Krishna et al. 2022, arXiv 2202.01602",
        params=(
            Parameter("family", "choice", "same", "Which methods to ask.", choices=("same", "other")),
        ),
    ),
    Metric(
        "single_deletion", "Single deletion", single_deletion, "higher", "faithful", (), "16 passes an image, once",
        "The order of the map's cells is like that of what covering each costs by {value:.2f}, 1 being the same.",
        "Hesse et al. 2024, arXiv 2407.11910",
        params=(Parameter("grid", "int", 4, "Cells a side.", minimum=2, maximum=32),),
        is_compared=True,
        best=1,
    ),
    Metric(
        "mu_fidelity", "μ-fidelity", mu_fidelity, "higher", "faithful", (), "64 passes an image, once",
        "What the map has under random masks is like what these cost by {value:.2f}, 1 being the same.",
        "Bhatt et al. 2020, arXiv 2005.00631",
        params=(
            GRID, SHARE, MASKS,
            Parameter(
                "correlation", "choice", "spearman", "Of ranks or of values.", choices=("spearman", "pearson")
            ),
        ),
        is_compared=True,
        best=1,
    ),
    Metric(
        "infidelity", "Infidelity", infidelity, "lower", "faithful", (), "64 passes an image, once",
        "{value:.0%} of what random masks cost is not in the map.",
        "Yeh et al. 2019, arXiv 1901.09392",
        params=(GRID, SHARE, MASKS),
        is_compared=True,
        best=0,
    ),
    Metric(
        "srg", "SRG", srg, "higher", "faithful", ("curves",), CURVES,
        "Covering what the map marks least leaves {value:.2f} more than covering what it marks most.",
        "Blücher et al. 2024, arXiv 2401.06654",
        is_compared=True,
        best=1,
    ),
    Metric(
        "deletion", "Deletion", deletion, "lower", "faithful", ("curves",), CURVES,
        "While what the map marks is covered, {value:.2f} is left on average.",
        "Petsiuk et al. 2018, arXiv 1806.07421",
        is_compared=True,
        best=0,
    ),
    Metric(
        "insertion", "Insertion", insertion, "higher", "faithful", ("curves",), CURVES,
        "While what the map marks is shown, {value:.2f} is there on average.",
        "Petsiuk et al. 2018, arXiv 1806.07421",
        is_compared=True,
        best=1,
    ),
    Metric(
        "aopc", "AOPC", aopc, ("order", "morf"), "faithful", ("curves",), CURVES,
        "While pixels are covered in this order, {value:.2f} is lost on average.",
        "Samek et al. 2015, arXiv 1509.06321",
        params=(
            Parameter(
                "order", "choice", "morf", "The most or the least relevant first.", choices=("morf", "lerf")
            ),
        ),
        is_compared=True,
    ),
    Metric(
        "road", "ROAD", road, "higher", "faithful", ("scipy",), "18 passes a map, and a system of equations a pass",
        "Removing what the map marks least leaves twice {value:.2f} more than removing what it marks most.",
        "Rong et al. 2022, arXiv 2202.00449",
        params=(
            Parameter("noise", "float", 0.01, "Deviation, as a part of a pixel's range.", minimum=0, maximum=1),
        ),
    ),
    Metric(
        "max_sensitivity", "Max-sensitivity", max_sensitivity, "lower", "stable", ("the method",), "8 passes",
        "Noise that nobody sees changes the map by {value:.0%}.",
        "Yeh et al. 2019, arXiv 1901.09392",
        params=(
            Parameter("radius", "float", 0.02, "Of the noise, as a part of a pixel's range.", minimum=0, maximum=1),
            Parameter("copies", "int", 8, "How many noisy copies.", minimum=1, maximum=1000),
        ),
        doubt=(0.5, "noise that nobody sees changes it by {value:.0%}"),
    ),
)  # fmt: skip
"""All metrics by id, those that cost least first."""
