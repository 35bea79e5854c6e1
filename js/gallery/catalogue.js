/** A model and methods that do not exist, described as the kernel would describe them. */

const PURPOSES = {
  "Activation maps": "Where does it look?",
  Attention: "Where does it look?",
  Gradients: "Which pixels?",
  Perturbation: "What if it were gone?",
};

const method = (id, title, family, cost, summary, rest = {}) => ({
  id,
  title,
  family,
  purpose: PURPOSES[family],
  cost,
  summary,
  sees: "layer",
  signed: true,
  fine: false,
  reference: "made up for the gallery",
  good_for: "Pictures with one thing on them.",
  fails: "It finds blobs wherever it looks.",
  resolution: "",
  params: [],
  ...rest,
});

export const CATALOGUE = [
  method(
    "blobs",
    "Blob-CAM",
    "Activation maps",
    "instant",
    "Weighs the channels of a layer by how much the class grows with them.",
  ),
  method(
    "blobs2",
    "Blob-CAM++",
    "Activation maps",
    "instant",
    "Blob-CAM with weights per place, for several objects of one class.",
    {
      params: [
        {
          name: "sharpness",
          title: "Sharpness",
          help: "Larger values make narrower blobs.",
          kind: "float",
          default: 1,
          minimum: 0.2,
          maximum: 4,
          step: 0.1,
        },
        {
          name: "order",
          title: "Order",
          help: "Which derivative the weights come from.",
          kind: "choice",
          default: "second",
          choices: ["first", "second"],
        },
        {
          name: "relu",
          title: "Rectify",
          help: "Cut negative values inside the method.",
          kind: "bool",
          default: false,
        },
      ],
    },
  ),
  method(
    "slowblobs",
    "Score-Blob",
    "Perturbation",
    "256 passes",
    "Hides every channel in turn and looks at the score.",
    {
      signed: false,
      slow: true,
      params: [
        {
          name: "masks",
          title: "Masks",
          help: "How many are tried.",
          kind: "int",
          default: 256,
          minimum: 1,
          maximum: 4096,
          step: 1,
        },
      ],
    },
  ),
  method("saliency", "Input gradient", "Gradients", "1 pass", "The derivative of the class score by every pixel.", {
    sees: "input",
    fine: true,
  }),
  method("gaze", "Gaze", "Attention", "1 pass", "Where the blocks of a transformer look.", {
    sees: "attention",
    signed: false,
  }),
];

export const WRAPPERS = [
  {
    id: "smooth",
    title: "Smooth",
    summary: "The mean over noisy copies of the picture.",
    params: [
      {
        ...{ name: "repetitions", title: "Repetitions", help: "How many copies.", kind: "int", default: 20 },
        ...{ minimum: 1, maximum: 1000 },
      },
      {
        ...{ name: "noise", title: "Noise", help: "How strong it is.", kind: "float", default: 0.15 },
        ...{ minimum: 0, maximum: 1, step: 0.01 },
      },
    ],
  },
  {
    id: "tta",
    title: "TTA",
    summary: "The mean over zoomed and mirrored copies of the picture.",
    params: [
      {
        ...{ name: "scales", title: "Scales", help: "How much larger.", kind: "numbers" },
        ...{ default: [0.5, 1, 1.5], minimum: 0.1, maximum: 10 },
      },
      { name: "hflip", title: "Mirror", help: "Also the mirrored picture.", kind: "bool", default: true },
    ],
  },
];

function layer(path, type, shape, reason = "", aside = "") {
  const spatial = shape.length === 3 ? shape.slice(0, 2) : null;
  return { path, type, shape, spatial, is_candidate: reason === "", reason, aside };
}

export function layers(extra, flat, heads) {
  if (flat) {
    return [
      layer("pictures", "InputLayer", [128, 128, 3], "this is the picture itself"),
      layer("flatten", "Flatten", [49152], "has no map: height and width are gone"),
      layer("dense", "Dense", [256], "has no map: height and width are gone"),
      layer("scores", "Dense", [10], "has no map: height and width are gone"),
    ];
  }
  const list = [
    layer("pictures", "InputLayer", [128, 128, 3], "this is the picture itself"),
    layer("rescaling", "Rescaling", [128, 128, 3], "before the first convolution"),
  ];
  [64, 32, 16, 8].forEach((size, stage) => {
    for (let block = 1; block <= 2; block++) {
      const at = `trunk/stage${stage + 1}/block${block}`;
      const shape = [size, size, 32 << stage];
      list.push(
        layer(`${at}/conv`, "Conv2D", shape),
        layer(`${at}/norm`, "BatchNormalization", shape, "", `${at}/conv, rescaled channel by channel`),
        layer(`${at}/relu`, "ReLU", shape),
      );
    }
  });
  if (heads > 0) list.push(layer("attention", "MultiHeadAttention", [8, 8, 256]));
  for (let i = 1; i <= heads; i++) {
    const path = `attention/head ${i}`;
    list.push({
      ...layer(path, "AttentionHead", [], "shows where this head looks, and cannot be chosen"),
      spatial: [8, 8],
    });
  }
  for (let i = 0; i < extra; i++) list.push(layer(`extra/part${Math.floor(i / 20)}/conv_${i}`, "Conv2D", [16, 16, 64]));
  list.push(layer("pool", "GlobalAveragePooling2D", [256], "has no map: height and width are gone"));
  list.push(layer("scores", "Dense", [10], "has no map: height and width are gone"));
  return list;
}

export function classNames(count) {
  const first = ["cat", "cup", "rocket", "astronaut", "bicycle", "lighthouse", "owl", "teapot", "violin", "zebra"];
  const adjectives = ["spotted", "red", "northern", "lesser", "striped"];
  return Array.from({ length: count }, (_, i) =>
    i < first.length ? first[i] : `${adjectives[i % 5]} ${first[Math.floor(i / 5) % 10]} ${Math.floor(i / 50)}`,
  );
}
