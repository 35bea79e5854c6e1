"""The table of methods. A method is one file and one row here."""

from collections.abc import Mapping
from typing import Any

from kx_widget.engine.display import Display
from kx_widget.engine.methods.ablationcam import ablationcam
from kx_widget.engine.methods.attention_gradient import attention_gradient
from kx_widget.engine.methods.attention_rollout import attention_rollout
from kx_widget.engine.methods.blur_ig import blur_ig
from kx_widget.engine.methods.cam import cam
from kx_widget.engine.methods.deeplift import deeplift
from kx_widget.engine.methods.edges import edges
from kx_widget.engine.methods.eigencam import eigencam
from kx_widget.engine.methods.eigengradcam import eigengradcam
from kx_widget.engine.methods.expected_gradients import BASELINES as DRAWN
from kx_widget.engine.methods.expected_gradients import expected_gradients
from kx_widget.engine.methods.fem import fem
from kx_widget.engine.methods.full_gradients import full_gradients
from kx_widget.engine.methods.gradcam import gradcam
from kx_widget.engine.methods.gradcam_elementwise import gradcam_elementwise
from kx_widget.engine.methods.gradcampp import gradcampp
from kx_widget.engine.methods.gradient_x_input import gradient_x_input
from kx_widget.engine.methods.gradients import gradients, over_channels
from kx_widget.engine.methods.guided_gradcam import guided_gradcam
from kx_widget.engine.methods.guided_gradients import guided_gradients
from kx_widget.engine.methods.guided_ig import guided_ig
from kx_widget.engine.methods.hirescam import hirescam
from kx_widget.engine.methods.hsic import hsic
from kx_widget.engine.methods.integrated_gradients import integrated_gradients
from kx_widget.engine.methods.kernel_shap import kernel_shap
from kx_widget.engine.methods.kpca_cam import kpca_cam
from kx_widget.engine.methods.layercam import layercam
from kx_widget.engine.methods.legrad import legrad
from kx_widget.engine.methods.lime import lime
from kx_widget.engine.methods.occlusion import occlusion, patches
from kx_widget.engine.methods.randomcam import randomcam
from kx_widget.engine.methods.refinecam import BASES, refinecam
from kx_widget.engine.methods.rise import rise
from kx_widget.engine.methods.scorecam import scorecam
from kx_widget.engine.methods.shapley import shapley
from kx_widget.engine.methods.shapleycam import shapleycam
from kx_widget.engine.methods.sobol import sobol
from kx_widget.engine.methods.xgradcam import xgradcam
from kx_widget.engine.methods.xrai import xrai
from kx_widget.engine.registry import Method, table
from kx_widget.engine.superpixels import cells
from kx_widget.engine.types import Parameter, Workload

CHANNELS = Parameter(
    "channels",
    "choice",
    "max_abs",
    "How the channels become one map, or one map of each; the maximum and the mean lose the sign.",
    choices=("max_abs", "mean_abs", "sum", "each"),
)
SUM = Parameter("channels", "choice", "sum", "One map of all channels, or one of each.", choices=("sum", "each"))
SIGNED_CHANNELS = ("channels", ("sum", "each"))
BASELINES = ("black", "mean", "blur")
# What an image is not compared with as a whole, but can be covered with.
COVERS = (*BASELINES, "noise")
SUPERPIXELS = Parameter(
    "superpixels",
    "choice",
    "grid",
    "Cells of about one size, or areas of one colour (SLIC, which needs scikit-image).",
    choices=("grid", "slic"),
    heading="Made as",
)
MASKS = Parameter(
    "masks", "int", 500, "How many pictures with some of them covered; more tell more.", minimum=10, maximum=10000
)
SUPERPIXEL_COVER = Parameter("baseline", "choice", "mean", "What covers a superpixel.", choices=COVERS)
# Of a few areas none is an outlier.
BORDERED = Display(clip=100, borders=True)
CELLS = Parameter("cells", "int", 7, "Rows and columns of the grid.", minimum=2, maximum=16)
CELL_COVER = Parameter("baseline", "choice", "mean", "What covers a cell.", choices=COVERS)
# Forward passes that a gradient takes, that a pass of a masked image takes with its mask, and that it takes to change a
# layer's activations.
GRADIENT, MASK, CHANGE = 2.2, 1.2, 0.05
# Forward passes that a gradient and its derivative in one direction take.
CURVATURE = 3.3


def a_gradient(params: Mapping[str, Any], load: Workload) -> float:
    """The passes of one gradient with respect to the input."""
    return GRADIENT


def some_superpixels(most: int, default: int) -> Parameter:
    """How many superpixels an image has."""
    return Parameter(
        "number", "int", default, "How many superpixels an image has at most.", minimum=2, maximum=most,
        heading="Superpixels",
    )  # fmt: skip


def coalitions(params: Mapping[str, Any], load: Workload) -> int:
    """In how many pictures some superpixels, but not all, are shown."""
    number: int = params["number"]
    return 2 ** (cells(number, load.height, load.width) if params["superpixels"] == "grid" else number) - 1


def one_head(params: Mapping[str, Any], load: Workload) -> float:
    """The passes of one gradient with respect to the layer."""
    return GRADIENT * load.head


METHODS = table(
    Method,
    Method(
        "gradcam", "Grad-CAM", gradcam, "Class activation maps", "layer", True, "instant",
        "Activations weighted by their mean gradient: the usual first look.",
        "Selvaraju et al. 2017, arXiv 1610.02391",
        passes=one_head,
        good_for="First looks, and most questions about where a convolutional model finds a class.",
        fails=(
            "It is as coarse as the layer; several objects can melt into one, and its mean can mark cells that "
            "did not raise the score."
        ),
        why_first="The usual first look: one pass gives its map.",
    ),
    Method(
        "gradcampp", "Grad-CAM++", gradcampp, "Class activation maps", "layer", True, "instant",
        "Grad-CAM that covers several instances of the class better.",
        "Chattopadhay et al. 2018, arXiv 1710.11063",
        passes=one_head,
        good_for="Several objects of one class, of which Grad-CAM marks one.",
        fails=(
            "It sees positive gradients alone, so that what speaks against a class is lost; on transformers it "
            "often points elsewhere."
        ),
    ),
    Method(
        "xgradcam", "XGrad-CAM", xgradcam, "Class activation maps", "layer", True, "instant",
        "Grad-CAM whose weights count gradients where the activation is.",
        "Fu et al. 2020, arXiv 2008.02312",
        passes=one_head,
        good_for=(
            "A check of Grad-CAM: close to it where that can be trusted, and its map adds up to more of the "
            "score."
        ),
        fails="Where activations are negative, as without a ReLU, its weights can turn their sign.",
    ),
    Method(
        "layercam", "LayerCAM", layercam, "Class activation maps", "layer", True, "instant",
        "Each cell weighted by its own positive gradient; sharp at early layers.",
        "Jiang et al. 2021, IEEE Transactions on Image Processing 30",
        passes=one_head,
        good_for="Early layers, where Grad-CAM is noise: outlines and small objects at high resolution.",
        fails=(
            "It leaves out all that lowered the score, and at early layers it marks edges of whatever raises it "
            "a little."
        ),
    ),
    Method(
        "hirescam", "HiResCAM", hirescam, "Class activation maps", "layer", True, "instant",
        "Gradient times activation, cell by cell: only what raised the score.",
        "Draelos and Carin 2020, arXiv 2011.08891",
        passes=one_head,
        good_for=(
            "Honest places: with a linear head the map adds up to the score, and only cells that raised it are "
            "marked."
        ),
        fails="It is noisier than Grad-CAM, and at early layers of deep models gradients scatter.",
    ),
    Method(
        "cam", "CAM", cam, "Class activation maps", "layer", True, "instant",
        "The class's own weights; for heads of average pooling and one Dense layer.",
        "Zhou et al. 2016, arXiv 1512.04150",
        passes=one_head,
        good_for=(
            "Exact answers where the head is an average pool and one Dense layer: the map's mean is the score "
            "but for the bias."
        ),
        fails="Other heads are refused, and there is no other layer to look at.",
        objection=lambda graph, call: graph.pooling_objection(call),
    ),
    Method(
        "eigencam", "Eigen-CAM", eigencam, "Class activation maps", "layer", True, "instant",
        "The strongest pattern of the activations; the same for every class.",
        "Muhammad and Yeasin 2020, arXiv 2008.00299",
        passes=one_head,
        good_for="What stands out to the model in the picture at all, without a gradient and without noise.",
        fails="It knows no class: all classes get the same map, and a salient background may win.",
    ),
    Method(
        "eigengradcam", "EigenGradCAM", eigengradcam, "Class activation maps", "layer", True, "instant",
        "The strongest pattern of gradient times activation: Eigen-CAM for a class.",
        "pytorch-grad-cam, after Muhammad and Yeasin 2020, arXiv 2008.00299",
        passes=one_head,
        good_for="Eigen-CAM where a class matters: the main pattern of what raised the score.",
        fails="The strongest pattern need not be the class's, and its sign has to be guessed.",
    ),
    Method(
        "gradcam_elementwise", "Grad-CAM element-wise", gradcam_elementwise, "Class activation maps", "layer", False,
        "instant",
        "Gradient times activation, where it raised the score, added up.",
        "pytorch-grad-cam",
        passes=one_head,
        good_for="Seeing all cells that raised the score, before channels cancel each other.",
        fails="It leaves out what lowered the score, so that it covers more than the score rests on.",
    ),
    Method(
        "fem", "FEM", fem, "Class activation maps", "layer", True, "instant",
        "Where channels are far above their mean; the same for every class.",
        "Fuad et al. 2020, IPTA",
        params=(
            Parameter(
                "k", "float", 2.0, "How many deviations above its mean a channel counts as high.",
                minimum=0, maximum=6, step=0.25,
            ),
        ),
        passes=one_head,
        good_for="What the layer reacts to far more than usual, for any model and without a gradient.",
        fails="It knows no class: all classes get the same map.",
    ),
    Method(
        "kpca_cam", "KPCA-CAM", kpca_cam, "Class activation maps", "layer", True, "instant",
        "The strongest pattern of the activations under a kernel; the same for every class.",
        "Karmani et al. 2024, arXiv 2410.00267",
        params=(
            Parameter("kernel", "choice", "sigmoid", "How alike two cells are.", choices=("sigmoid", "rbf")),
            Parameter("gamma", "float", None, "Scale of the kernel; None is 1 / channels.", minimum=0),
        ),
        passes=one_head,
        good_for="Eigen-CAM where patterns are not straight lines: other cells that react alike.",
        fails="It knows no class, and its kernel's scale decides what is alike.",
    ),
    Method(
        "refinecam", "RefineCAM", refinecam, "Class activation maps", "layer", False, "1 pass",
        "Maps of several stages of the net, multiplied: as fine as the first of them.",
        "arXiv 2605.14641",
        params=(
            Parameter("base", "choice", "gradcampp", "Whose maps are multiplied.", choices=tuple(BASES)),
            Parameter(
                "stages", "int", 3, "How many stages at most, the layer's and those before it.", minimum=1, maximum=8,
            ),
        ),
        passes=a_gradient,
        good_for="Fine outlines of what the last layer finds: several layers in one map.",
        fails="What one of its layers does not see is lost, and edges of early layers look more certain than they are.",
        resolution="cells of its finest layer",
    ),
    Method(
        "shapleycam", "ShapleyCAM", shapleycam, "Class activation maps", "layer", True, "1 head pass",
        "Grad-CAM and half of how the gradient changes; without a curve after the layer it is Grad-CAM.",
        "Cai 2025, arXiv 2501.06261",
        params=(
            Parameter(
                "utility", "choice", "score", "The score, or the paper's: the score and its probability's logarithm.",
                choices=("score", "rest"),
            ),
        ),
        passes=lambda params, load: CURVATURE * load.head,
        good_for="Heads that are curved, such as several Dense layers, where the gradient alone is a poor estimate.",
        fails=(
            "Where nothing after the layer is curved it is Grad-CAM, at a higher price; second derivatives are "
            "noisy."
        ),
    ),
    Method(
        "ablationcam", "Ablation-CAM", ablationcam, "Class activation maps", "layer", True, "1 head pass a channel",
        "Activations weighted by how far the score falls without them; no gradients.",
        "Desai and Ramaswamy 2020, WACV",
        passes=lambda params, load: (load.head + CHANGE) * load.channels,
        good_for="Models whose gradients saturate: channels count by what happens without them.",
        fails="Channels are removed alone, so that two that say the same count for nothing each.",
    ),
    Method(
        "scorecam", "Score-CAM", scorecam, "Class activation maps", "layer", True, "1 pass a channel",
        "Activations weighted by the score of what they let through; no gradients.",
        "Wang et al. 2020, arXiv 1910.01279",
        params=(
            Parameter("channels", "int", None, "Only the channels of most energy; None takes all.", minimum=1),
            Parameter(
                "weighting", "choice", "softmax", "The paper's softmax over channels, or the bare scores.",
                choices=("softmax", "scores"),
            ),
        ),
        passes=lambda params, load: MASK * min(params["channels"] or load.channels, load.channels),
        good_for="Smooth maps without gradients, for a look when gradients are noise.",
        fails="It takes a pass for each channel, and its softmax can let one channel decide.",
    ),
    Method(
        "attention_gradient", "Gradient-weighted attention", attention_gradient, "Attention", "attention", False,
        "1 pass",
        "The attention that raised the score, from the patches to what the head reads.",
        "Chefer et al. 2021, arXiv 2103.15679",
        passes=a_gradient,
        good_for="Transformers: where the patches lie that attention carried to the class.",
        fails="It leaves out what the layers between the attention do, and what lowered the score.",
    ),
    Method(
        "legrad", "LeGrad", legrad, "Attention", "attention", False, "1 pass",
        "How much more attention to a patch would raise what the head reads from each block.",
        "Bousselham et al. 2024, arXiv 2404.03214",
        passes=a_gradient,
        good_for=(
            "Transformers, if attention alone is too flat: what more attention to a patch would do, block by "
            "block."
        ),
        fails="It tells of a change of attention, not of what the model has read; it shows nothing against the class.",
    ),
    Method(
        "attention_rollout", "Attention rollout", attention_rollout, "Attention", "attention", False, "instant",
        "Attention multiplied through the blocks; the same for every class.",
        "Abnar and Zuidema 2020, arXiv 2005.00928",
        params=(
            Parameter(
                "fusion", "choice", "mean", "How the heads of a block become one.", choices=("mean", "max", "min"),
            ),
            Parameter(
                "discard", "float", 0, "Part of a block's attention, the smallest of it, that is left out.",
                minimum=0, maximum=0.99, step=0.05,
            ),
        ),
        passes=lambda params, load: 1,
        good_for="Where a transformer has looked at all, whatever it concluded.",
        fails="It knows no class, and tokens that only store something attract it.",
    ),
    Method(
        "gradients", "Gradients", gradients, "Gradients of the input", "input", SIGNED_CHANNELS, "1 pass",
        "How much the score changes with each pixel.",
        "Simonyan et al. 2013, arXiv 1312.6034",
        params=(CHANNELS,),
        finish=over_channels,
        passes=a_gradient,
        good_for="Quick checks: whether anything in the background matters at all.",
        fails="It looks like noise, and tells what a small change would do, not what the score rests on.",
    ),
    Method(
        "gradient_x_input", "Gradient × input", gradient_x_input, "Gradients of the input", "input", True, "1 pass",
        "What each pixel adds to the score, to first order.",
        "Shrikumar et al. 2016, arXiv 1605.01713",
        params=(SUM,),
        passes=a_gradient,
        good_for="A cheap first estimate of integrated gradients.",
        fails="Black pixels get nothing, however much they matter, and saturated scores have hardly a gradient.",
    ),
    Method(
        "integrated_gradients", "Integrated gradients", integrated_gradients, "Gradients of the input", "input", True,
        "1 pass a step",
        "What each pixel adds on the way from a blank image; sums to the score's change.",
        "Sundararajan et al. 2017, arXiv 1703.01365",
        params=(
            Parameter("steps", "int", 32, "Points at which the gradient is taken.", minimum=1, maximum=1000),
            Parameter(
                "baseline", "choice", "black", "The image from which the way starts.", choices=BASELINES,
            ),
            SUM,
        ),
        passes=lambda params, load: GRADIENT * params["steps"],
        good_for="Sharing the score out among pixels: the values add up to the change from the baseline.",
        fails="It depends on the baseline: pixels that look like it, black ones for instance, get nothing.",
        why_first="Sharp, and its values add up to how far the score rises from a blank picture.",
    ),
    Method(
        "expected_gradients", "Expected gradients", expected_gradients, "Gradients of the input", "input", True,
        "1 pass a draw",
        "Integrated gradients from many baselines, other images for instance: GradientSHAP.",
        "Erion et al. 2019, arXiv 1906.10670",
        params=(
            Parameter(
                "draws", "int", 50, "How many pairs of a baseline and a point are drawn.", minimum=1, maximum=10000,
            ),
            Parameter(
                "background", "images", None, "Images that are baselines; None is black, the mean colour and a blur.",
            ),
            SUM,
        ),
        passes=lambda params, load: (
            GRADIENT * params["draws"]
            + min(params["draws"], len(DRAWN if params["background"] is None else params["background"].batch))
        ),
        good_for="Integrated gradients without one arbitrary baseline: the mean over many pictures.",
        fails="Drawn pictures make it noisy, and they decide what counts as nothing.",
    ),
    Method(
        "guided_ig", "Guided integrated gradients", guided_ig, "Gradients of the input", "input", True,
        "1 pass a step",
        "Integrated gradients along a way of small gradients, which gathers less noise.",
        "Kapishnikov et al. 2021, arXiv 2106.09788",
        params=(
            Parameter("steps", "int", 50, "Steps of the way; each waits for the one before.", minimum=1, maximum=1000),
            Parameter(
                "fraction", "float", 0.25, "Part of the values that move at once.", minimum=0.01, maximum=1, step=0.01,
            ),
            Parameter(
                "max_distance", "float", 0.02, "How far a value may be beside the straight line, as a part of its way.",
                minimum=0, maximum=1, step=0.01,
            ),
            Parameter(
                "baseline", "choice", "black", "The image from which the way starts.", choices=BASELINES,
            ),
            SUM,
        ),
        passes=lambda params, load: GRADIENT * params["steps"],
        good_for="Integrated gradients with less speckle: the way avoids pixels that only make noise.",
        fails=(
            "Its way depends on the model, so that two models' maps are not of one measure; it cannot be computed "
            "at once."
        ),
    ),
    Method(
        "blur_ig", "Blur integrated gradients", blur_ig, "Gradients of the input", "input", True, "1 pass a step",
        "What the details add, on the way from a blurred image; no baseline of another colour.",
        "Xu, Venugopalan and Sundararajan 2020, arXiv 2004.03383",
        params=(
            Parameter("steps", "int", 50, "Points at which the gradient is taken.", minimum=1, maximum=1000),
            Parameter(
                "blur", "float", 0.2, "Deviation of the strongest blur, as a part of the image's shorter side.",
                minimum=0.01, maximum=1, step=0.01,
            ),
            SUM,
        ),
        passes=lambda params, load: GRADIENT * params["steps"],
        good_for="Integrated gradients without a colour as baseline, in scales as well as places.",
        fails="What blur leaves to see, such as large areas of colour, gets nothing.",
    ),
    Method(
        "xrai", "XRAI", xrai, "Gradients of the input", "input", True, "2 passes a step",
        "Whole segments of the picture, in the order of what they add to the score.",
        "Kapishnikov et al. 2019, arXiv 1906.02825",
        params=(
            Parameter(
                "steps", "int", 32, "Points at which the gradient is taken, from each of two baselines.",
                minimum=1, maximum=1000,
            ),
        ),
        passes=lambda params, load: 2 * GRADIENT * params["steps"],
        # The maximum over channels leaves hardly a segment below zero.
        display=Display(clip=100, origin="quartile", sign="positive"),
        good_for="Whole objects instead of pixels: areas in the order in which they matter.",
        fails="It is as good as its areas, and those of little worth fill gaps of better ones.",
        resolution="superpixels",
    ),
    Method(
        "deeplift", "DeepLIFT", deeplift, "Gradients of the input", "input", True, "1 pass",
        "What each pixel adds to the score's change from a blank image, in one pass; sums to it.",
        "Shrikumar et al. 2017, arXiv 1704.02685",
        params=(
            Parameter("baseline", "choice", "black", "The image from which the change is told.", choices=BASELINES),
            SUM,
        ),
        # The baseline goes along.
        passes=lambda params, load: 2 * GRADIENT,
        good_for="Integrated gradients at the price of two passes, also where gradients saturate.",
        fails="It depends on the baseline, and refuses models that attend, and operations that it has no rule for.",
    ),
    Method(
        "guided_gradients", "Guided backprop", guided_gradients, "Gradients of the input", "input",
        SIGNED_CHANNELS, "1 pass",
        "Fine lines, but it fails sanity checks: they hardly depend on the class or the upper layers.",
        "Springenberg et al. 2014, arXiv 1412.6806",
        params=(CHANNELS,),
        finish=over_channels,
        passes=a_gradient,
        good_for="Pretty outlines of what convolutions react to.",
        fails=(
            "It hardly changes with the class or with random upper layers: it restores the picture rather than "
            "explains the model."
        ),
    ),
    Method(
        "guided_gradcam", "Guided Grad-CAM", guided_gradcam, "Gradients of the input", "both",
        SIGNED_CHANNELS, "1 pass",
        "The fine lines of guided backprop where Grad-CAM looks; the lines themselves tell little.",
        "Selvaraju et al. 2017, arXiv 1610.02391",
        params=(CHANNELS,),
        finish=over_channels,
        passes=lambda params, load: GRADIENT * (1 + load.head),
        good_for="Fine lines within the place that Grad-CAM finds.",
        fails="The lines are guided backprop's, which restores the picture rather than explains the model.",
    ),
    Method(
        "full_gradients", "FullGrad", full_gradients, "Gradients of the input", "input", False, "1 pass",
        "What the input and every bias of every layer add to the score.",
        "Srinivas and Fleuret 2019, arXiv 1905.00780",
        params=(
            Parameter(
                "rescale", "choice", "tensor", "What is brought to 0..1 at once: a layer or each of its channels.",
                choices=("tensor", "channel"),
            ),
        ),
        passes=a_gradient,
        good_for="One fine map of all layers at once.",
        fails="Its sharp look comes from early layers, and all is rescaled: it shows no sign and adds up to nothing.",
    ),
    Method(
        "occlusion", "Occlusion", occlusion, "Masking", "input", True, "1 pass a patch",
        "How far the score falls when a patch is covered.",
        "Zeiler and Fergus 2014, arXiv 1311.2901",
        params=(
            Parameter(
                "patch", "float", 0.2, "Side of a patch, as a part of the image's shorter side.",
                minimum=0.02, maximum=1, step=0.01,
            ),
            Parameter(
                "stride", "float", 0.5, "From one patch to the next, as a part of the patch.",
                minimum=0.1, maximum=1, step=0.1,
            ),
            Parameter(
                "baseline", "choice", "mean", "What covers the patch; “impute” carries on what is around it.",
                choices=(*COVERS, "impute"),
            ),
        ),
        passes=lambda params, load: patches(load.height, load.width, params["patch"], params["stride"]),
        good_for="Telling others: each value is how far the score falls with that patch covered, without gradients.",
        fails="What is there twice is not missed once, and the cover itself may look like something.",
        why_first="Needs no gradients: how far the score falls with each patch covered.",
        resolution="patches",
    ),
    Method(
        "rise", "RISE", rise, "Masking", "input", True, "1 pass a mask",
        "Random masks, weighted by the score of what they leave to see.",
        "Petsiuk et al. 2018, arXiv 1806.07421",
        params=(
            Parameter("masks", "int", 1000, "How many masks; more give a smoother map.", minimum=1, maximum=20000),
            Parameter("cells", "int", 7, "Rows and columns of a mask's grid.", minimum=2, maximum=32),
            Parameter(
                "probability", "float", 0.5, "Part of the cells that is left to see.",
                minimum=0.05, maximum=0.95, step=0.05,
            ),
        ),
        passes=lambda params, load: MASK * params["masks"],
        # Every value is about the score of the whole picture.
        display=Display(origin="quartile"),
        good_for="Models of which nothing but scores can be had, and objects of any shape.",
        fails=(
            "Few masks leave a cloudy map; every value is about the mean score, and scattered holes are no "
            "natural picture."
        ),
        resolution="a grid of random masks",
    ),
    Method(
        "shapley", "Shapley values", shapley, "Superpixels", "input", True, "2ⁿ passes for n superpixels",
        "What each of a few superpixels adds to the score, on average over all ways to show the others: exact.",
        "Lundberg and Lee 2017, arXiv 1705.07874",
        params=(some_superpixels(10, 9), SUPERPIXELS, SUPERPIXEL_COVER),
        passes=coalitions,
        display=BORDERED,
        good_for="Sharing the score out fairly among a few parts; the values add up exactly.",
        fails="A few large parts hide what is in them, and covered pictures are none that the model was trained on.",
        resolution="superpixels",
    ),
    Method(
        "kernel_shap", "KernelSHAP", kernel_shap, "Superpixels", "input", True, "1 pass a mask",
        "Shapley values of many superpixels, estimated; they sum to the score's change.",
        "Lundberg and Lee 2017, arXiv 1705.07874",
        params=(some_superpixels(200, 40), SUPERPIXELS, MASKS, SUPERPIXEL_COVER),
        passes=lambda params, load: min(params["masks"], coalitions(params, load)),
        display=BORDERED,
        good_for="Sharing the score out among many parts, with any model, whatever is inside.",
        fails="Few masks leave it noisy; where parts depend on each other a sum of shares says little.",
        resolution="superpixels",
    ),
    Method(
        "lime", "LIME", lime, "Superpixels", "input", True, "1 pass a mask",
        "A linear model of what the score becomes when some superpixels are covered.",
        "Ribeiro et al. 2016, arXiv 1602.04938",
        params=(
            some_superpixels(200, 40), SUPERPIXELS, MASKS, SUPERPIXEL_COVER,
            Parameter(
                "kernel_width", "float", 0.25, "How near to the image a picture must be to count.",
                minimum=0.05, maximum=10, step=0.05,
            ),
        ),
        passes=lambda params, load: params["masks"],
        display=BORDERED,
        good_for="A first look without gradients at which parts matter near this picture.",
        fails="It is as good as its straight line: look at R². Kernel width, parts and seed change it.",
        resolution="superpixels",
    ),
    Method(
        "sobol", "Sobol", sobol, "Masking", "input", False, "1 pass a cell and design",
        "The part of the score's variance in which a cell has a share when cells fade at random.",
        "Fel et al. 2021, arXiv 2111.04138",
        params=(
            Parameter(
                "designs", "int", 32, "How often each cell is changed by itself; best a power of two.",
                minimum=2, maximum=1024,
            ),
            CELLS,
            CELL_COVER,
        ),
        passes=lambda params, load: MASK * params["designs"] * (params["cells"] ** 2 + 1),
        good_for="Finding all that the score depends on, also through several parts together.",
        fails="It has no sign: what lowers the score shows as well, and it takes many passes.",
        resolution="a grid of cells",
    ),
    Method(
        "hsic", "HSIC", hsic, "Masking", "input", False, "1 pass a mask",
        "How much the score depends on whether a cell is seen, whatever the way in which it does.",
        "Novello et al. 2022, arXiv 2206.06219",
        params=(
            Parameter("masks", "int", 500, "How many masks; more tell small effects apart.", minimum=2, maximum=4000),
            CELLS,
            CELL_COVER,
            Parameter(
                "width", "choice", "distance",
                "Width of the kernel: the median distance of two scores, or the median score as its authors have it.",
                choices=("distance", "score"),
            ),
        ),
        passes=lambda params, load: MASK * params["masks"],
        good_for="Finding dependence of any shape with fewer passes than Sobol indices.",
        fails="It has no sign, and chance dependence of few masks looks like evidence.",
        resolution="a grid of cells",
    ),
    Method(
        "randomcam", "RandomCAM", randomcam, "Controls", "layer", False, "instant",
        "A control, not an explanation: activations under random weights.",
        "pytorch-grad-cam",
        passes=one_head,
        control="its weights are random, so it explains nothing. An explanation has to be better than this.",
        good_for="Telling what any map of this layer looks like: an explanation has to be better.",
        fails="Its weights are random, so it explains nothing.",
    ),
    Method(
        "edges", "Edges", edges, "Controls", "input", False, "instant",
        "A control, not an explanation: the picture's edges, for which no model is asked.",
        "Adebayo et al. 2018, arXiv 1810.03292",
        passes=lambda params, load: 1,
        control="these are edges of the picture, and nothing of the model. A map that looks like them may be no more.",
        good_for="Telling whether a map is more than the outlines of the picture.",
        fails="No model is asked, so it explains nothing.",
    ),
)  # fmt: skip
"""All methods by id, in the order in which pickers list them."""
