"""The table of methods. A method is one file and one row here."""

from kx_widget.engine.methods.cam import cam
from kx_widget.engine.methods.gradcam import gradcam
from kx_widget.engine.methods.gradcampp import gradcampp
from kx_widget.engine.methods.gradients import gradients, over_channels
from kx_widget.engine.methods.hirescam import hirescam
from kx_widget.engine.methods.layercam import layercam
from kx_widget.engine.registry import Entry, table
from kx_widget.engine.types import Parameter

CHANNELS = Parameter(
    "channels",
    "choice",
    "max_abs",
    "How the colour channels become one map; only the sum keeps the sign.",
    choices=("max_abs", "mean_abs", "sum"),
)

METHODS = table(
    Entry(
        "gradcam", "Grad-CAM", gradcam, "Class activation maps", "layer", True, "instant",
        "Activations weighted by their mean gradient: the usual first look.",
        "Selvaraju et al. 2017, arXiv 1610.02391",
    ),
    Entry(
        "gradcampp", "Grad-CAM++", gradcampp, "Class activation maps", "layer", True, "instant",
        "Grad-CAM that covers several instances of the class better.",
        "Chattopadhay et al. 2018, arXiv 1710.11063",
    ),
    Entry(
        "layercam", "LayerCAM", layercam, "Class activation maps", "layer", True, "instant",
        "Each cell weighted by its own positive gradient; sharp at early layers.",
        "Jiang et al. 2021, IEEE Transactions on Image Processing 30",
    ),
    Entry(
        "hirescam", "HiResCAM", hirescam, "Class activation maps", "layer", True, "instant",
        "Gradient times activation, cell by cell: only what raised the score.",
        "Draelos and Carin 2020, arXiv 2011.08891",
    ),
    Entry(
        "cam", "CAM", cam, "Class activation maps", "layer", True, "instant",
        "The class's own weights; for heads of average pooling and one Dense layer.",
        "Zhou et al. 2016, arXiv 1512.04150",
    ),
    Entry(
        "gradients", "Gradients", gradients, "Gradients of the input", "input", ("channels", "sum"), "1 pass",
        "How much the score changes with each pixel.",
        "Simonyan et al. 2013, arXiv 1312.6034",
        params=(CHANNELS,),
        finish=over_channels,
    ),
)  # fmt: skip
