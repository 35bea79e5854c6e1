/**
 * The protocol between kernel and page, written by `python js/write_protocol.py` from
 * `kx_widget/widget/messages.py`, which is where to change it.
 */

export const VERSION = 1;

/** A part of an image that is typical of a concept: x0, y0, x1, y1 in fractions of what the model sees. */
export interface TypicalRecord { image: number; box: number[]; }

/** A concept; which one it is, its place in the list tells, for it has no name. */
export interface ConceptRecord { typical: TypicalRecord[]; }

/**
 * Answers `find_concepts`, with two buffers, in parts where there are many images; or says why there are none.
 *
 * `key` names the concepts, other ones of which take the place of all before. The first buffer holds what each class
 * loses without each concept, float32 (concepts, classes), and is empty where the page has these concepts already. The
 * second holds how strong each concept is in each cell of these `images`, bytes (images, concepts, height, width) of
 * the height and width of `shape`, where 255 is the strongest place of a concept in all images that it was looked for
 * in. `sentence` and `notes` say how far the concepts stand for the layer. While they are looked for, `done` says how
 * far that is, below 1, and all else is empty.
 */
export interface FoundConcepts {
  kind: "concepts";
  key: string;
  layer: string;
  shape: number[];
  images: number[];
  concepts: ConceptRecord[];
  sentence: string;
  notes: string[];
  problem: string;
  done: number;
}

/**
 * Asks for so many concepts at the layer of the question, and where they are in these images.
 *
 * They are those of the images of `among`, or of all where that is empty; of a store of those that are asked for at
 * first. `have` is the key of those that the page has, whose maps of other images it has.
 */
export interface FindConcepts {
  kind: "find_concepts";
  have: string;
  concepts: number;
  images: number[];
  among: number[];
}

/** Where a map lies in its frame's buffer, and how to read it; see `codec`. */
export interface Encoded {
  shape: number[];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  byte_offset: number;
  byte_length: number;
}

/** A part of a map that is too large to be sent whole, of the question `gen`; `box` is in fractions of the map. */
export interface MapPart {
  shape: number[];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  byte_offset: number;
  byte_length: number;
  gen: number;
  column: number;
  box: number[];
}

/** What a metric says of a map; `control` is mean and spread of random maps, where it is compared with these. */
export interface MetricRecord {
  title: string;
  better: "higher" | "lower";
  value: number | null;
  control: number[] | null;
  sentence: string;
}

/**
 * How the value of the target goes as what the map marks most is covered, or shown.
 *
 * `covered` and `shown` are the parts of the picture at each step, `random_low` and `random_high` what the value is
 * between in random orders, empty where there are none. `flips_at` is the smallest part whose loss takes the
 * prediction, `keeps_at` the smallest that keeps it, None where no step does; `shares` say so. A score is rescaled: 0
 * where all is covered, 1 for the picture; `ends` are what it is there, [] where that is not known.
 */
export interface CurvesRecord {
  value: "probability" | "score";
  covered: number[];
  shown: number[];
  deletion: (number | null)[];
  insertion: (number | null)[];
  random_low: (number | null)[];
  random_high: (number | null)[];
  flips_at: number | null;
  keeps_at: number | null;
  shares: string[];
  ends: number[];
}

/** By how much the value falls when each of grid × grid cells is covered, and the map's sum there, row by row. */
export interface CellsRecord {
  grid: number;
  losses: (number | null)[];
  sums: (number | null)[];
  correlation: number | null;
}

/**
 * What is known of how far one map can be believed.
 *
 * `state` says it in a word, `headline` in a few, `verdict` in full: bad news first, and what was not measured last.
 */
export interface EvidenceRecord {
  image: number;
  column: number;
  state: "holds" | "weak" | "unknown" | "unmeasured";
  headline: string;
  verdict: string;
  cover: string;
  metrics: MetricRecord[];
  curves: CurvesRecord | null;
  cells: CellsRecord | null;
}

/** What was measured since the last one; a later item for the same image and column replaces an earlier one. */
export interface Evidence { kind: "evidence"; gen: number; items: EvidenceRecord[]; }

/** A class that a model finds in a picture; without probabilities, its score is told. */
export interface ClassRecord { index: number; probability: number | null; score: number; }

/** A step of a curve, `"deletion"` or `"insertion"`, of one map, with what covers. */
export interface CurveStep { gen: number; image: number; column: number; curve: string; step: number; cover: string; }

/** Answers `cover`, with one buffer: the very picture that was scored, as PNG; or why there is none. */
export interface Covered {
  gen: number;
  image: number;
  column: number;
  curve: string;
  step: number;
  cover: string;
  kind: "covered";
  share: number;
  width: number;
  height: number;
  classes: ClassRecord[];
  problem: string;
}

/** Measure the evidence of these images' maps now, those in focus first, with what covers; none of them to stop. */
export interface Measure { kind: "measure"; gen: number; images: number[]; cover: string; }

/** Asks for the picture at a step of a curve. */
export interface Cover {
  gen: number;
  image: number;
  column: number;
  curve: string;
  step: number;
  cover: string;
  kind: "cover";
}

/** One of several models: its name, and what becomes of images before it sees them. */
export interface ModelRecord { name: string; preprocessing: string; }

/**
 * How far the maps of a column agree with those of the first one, which another model has made.
 *
 * `correlations` are Spearman's of each image, None where one of both maps is flat; `of_others` is the mean of those
 * of maps of different images, None where there is one image.
 */
export interface AgreementRecord { column: number; correlations: (number | null)[]; of_others: number | null; }

/** How far the maps of the answer agree, where models are compared. */
export interface Agreements { kind: "agreements"; gen: number; items: AgreementRecord[]; }

/** An image that is like another one, and the cosine of their mean activations. */
export interface Neighbour { image: number; similarity: number; }

/**
 * The images most like one, the nearest first, and those among all that are predicted right.
 *
 * `right` is empty where no true class is known; `why` says why no image is like it, "" where some are.
 */
export interface NearestRecord { image: number; nearest: Neighbour[]; right: Neighbour[]; why: string; }

/**
 * Which images are most like some of them, as a layer sees them.
 *
 * What was told of another `edition`, of other weights, another layer or other labels, is void.
 */
export interface Nearest { kind: "nearest"; edition: string; layer: string; items: NearestRecord[]; }

/**
 * With one buffer: float32 numbers of all classes, of the images from `first` on; `Welcome` says what they are.
 *
 * `shape` (N, C) and `best` (N,), the classes of most score, are of all images. `model` is the name of the one that
 * predicts, "" for the only or the first one.
 */
export interface Predictions { kind: "predictions"; model: string; shape: number[]; first: number; best: number[]; }

/**
 * Which class wins at each place of the (height, width) of `shape`, or why that cannot be told.
 *
 * In the buffer lie the numbers of the classes, that of no class where none is probable, row by row, as gzip.
 */
export interface SegmentedImage {
  image: number;
  shape: number[];
  dtype: "uint8" | "uint16";
  byte_offset: number;
  byte_length: number;
  problem: string;
}

/** Answers `segment`, with one buffer, as weights of this `version` see the images. */
export interface Segmentation { kind: "segmentation"; version: number; items: SegmentedImage[]; }

/** Something that is detected: x0, y0, x1, y1 in pixels of the original, its class, and the probability of that. */
export interface DetectedBox { box: number[]; target: number; score: number; }

/** What is detected in an image, the most probable first. */
export interface DetectedImage { image: number; boxes: DetectedBox[]; }

/** What a detector detects in images of a store, after their pictures. */
export interface Detected { kind: "detected"; items: DetectedImage[]; }

/** Asks which class wins at each place of these images. */
export interface Segment { kind: "segment"; images: number[]; }

/**
 * What a metric says of a method: the mean over `images`, and the ends of its interval, None of one image.
 *
 * `place` is `"best"`, or `"tied"` where nobody can tell it from the best; `note` says why there is no value.
 */
export interface RankedCell {
  value: number | null;
  low: number | null;
  high: number | null;
  images: number;
  place: "best" | "tied" | "";
  note: string;
}

/** A method at a layer, "" where it sees the input, as far as it is measured; `problem` says why it cannot be. */
export interface RankedMethod {
  method: string;
  layer: string;
  state: "holds" | "weak" | "unknown" | "unmeasured";
  headline: string;
  relatives: string[];
  problem: string;
  cells: RankedCell[];
}

/** A metric by which methods are sorted. */
export interface RankedMetric { title: string; better: "higher" | "lower"; }

/** Methods beside each other, for one target of these images; `done` of `total` maps are measured. */
export interface RankingRecord {
  target: string;
  images: number[];
  cover: string;
  sentence: string;
  metrics: RankedMetric[];
  methods: RankedMethod[];
  done: number;
  total: number;
}

/**
 * A method that can be ranked at a layer, or why not; about how many seconds its own passes of an image take.
 *
 * Maps of one `size` share random maps to compare with; `chosen` are those to begin with.
 */
export interface RankableMethod {
  method: string;
  layer: string;
  seconds: number | null;
  size: number[];
  chosen: boolean;
  problem: string;
}

/**
 * Which methods can be compared, and all that were for this question's targets, in place of what was told before.
 *
 * `image_seconds` is what an image takes for all methods, `size_seconds` what it takes for each size of maps.
 */
export interface Rankings {
  kind: "rankings";
  gen: number;
  rankable: RankableMethod[];
  image_seconds: number | null;
  size_seconds: number | null;
  items: RankingRecord[];
}

/** Compare these methods for the target of a column, on these images, with what covers; no methods to stop. */
export interface Rank { kind: "rank"; gen: number; column: number; images: number[]; methods: string[]; cover: string; }

/** What only some regions have. */
export interface RegionDetails { mask?: unknown[]; winner?: number; }

/**
 * Places of an output that count; see `engine.regions.Region`.
 *
 * `at` are x and y, or x0, y0, x1, y1 of a box, in pixels of the original picture; a `mask` has its (height, width)
 * and its `Bits`; `winner` is the class that `"top"` means in it, where that is known.
 */
export interface RegionRecord {
  mask?: unknown[];
  winner?: number;
  kind: "wins" | "whole" | "pixel" | "box" | "object" | "mask";
  at: number[];
}

/**
 * Where the score of a map comes from, in words as well.
 *
 * `cells` of an output of this `size` are those of an object or a mask, else there are none.
 */
export interface LocatedRegionRecord {
  kind: "wins" | "whole" | "pixel" | "box" | "object" | "mask";
  words: string;
  at: number[];
  size: number[];
  cells: string;
}

/**
 * The traits that make a question, under the names they have there.
 *
 * `regions` are by the number of the image, as text, and those of all others under `"others"`; an image that is not
 * there is explained where the class wins.
 */
export interface QuestionRecord {
  layer: string;
  method: string;
  target: string | number;
  params: Record<string, unknown>;
  compare: "none" | "targets" | "methods" | "layers" | "models";
  compare_with: (string | number)[];
  regions: Record<string, RegionRecord>;
}

/** A parameter of a method or wrapper, as a form shows it. */
export interface ParameterRecord {
  name: string;
  title: string;
  help: string;
  kind: "choice" | "int" | "float" | "bool" | "numbers" | "images";
  default: unknown;
  choices: unknown[];
  minimum: number | null;
  maximum: number | null;
  step: number | null;
}

/**
 * A method, as a picker shows it.
 *
 * `purpose` is the question that it answers, a heading; `resolution` what its map is made of where that is neither
 * cells of the layer nor pixels of the input, else "".
 */
export interface MethodRecord {
  id: string;
  title: string;
  family: string;
  purpose: string;
  summary: string;
  sees: "layer" | "input" | "both" | "attention";
  cost: string;
  reference: string;
  good_for: string;
  fails: string;
  resolution: string;
  params: ParameterRecord[];
}

/** What any method can be wrapped in; its settings lie in a question's `params` under its id. */
export interface WrapperRecord { id: string; title: string; summary: string; params: ParameterRecord[]; }

/**
 * A layer, or a head of its attention; `reason` says why it cannot be chosen.
 *
 * `aside` says why a list can leave out a layer that can be chosen.
 */
export interface LayerRecord {
  path: string;
  type: string;
  shape: (number | null)[];
  spatial: number[] | null;
  is_candidate: boolean;
  reason: string;
  aside: string;
}

/**
 * Facts about the model.
 *
 * `recommended` is None where no layer has a map; `why` then says so. Methods that look at attention start at
 * `attention_start`, None where no attention tells where the model looks. `cautions` say by a method's id, or by
 * what it sees, how far its maps can be trusted on this model. `recommended_methods` are those to begin with, by id,
 * and why.
 */
export interface InspectionRecord {
  layers: LayerRecord[];
  recommended: string | null;
  why: string;
  attention_start: string | null;
  recommended_method: string;
  why_method: string;
  recommended_methods: Record<string, string>;
  cautions: Record<string, string>;
  head: string;
  classes: number;
  input_shape: number[];
  preprocessing: string;
}

/**
 * One map.
 *
 * `target` is −1 for a contrast, `evidence` `"against"` where nothing positive is there to be drawn; `checks` are
 * numbers by name that tell how exact the method was. A `partial` one will still change, or would have without a
 * cancel; `done` is the part of its passes that are made, 0 to 1. `unit` is that of a value, "" of one without, None
 * where the score is that of a class; `region` is None for a model of one score per class. `whole_shape` is that of
 * the map in Python, which is averaged where it has more cells than are sent.
 */
export interface Item {
  shape: number[];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  byte_offset: number;
  byte_length: number;
  image: number;
  column: number;
  layer: string;
  method: string;
  target: number;
  target_name: string;
  score: number | null;
  probability: number | null;
  unit: string | null;
  signed: boolean;
  partial: boolean;
  done: number;
  notes: string[];
  evidence: "some" | "against" | "none";
  checks: Record<string, number | null>;
  region: LocatedRegionRecord | null;
  whole_shape: number[];
}

/** How maps are drawn where the user chooses nothing else: see `engine.display`. */
export interface DisplayRecord {
  clip: number;
  origin: "zero" | "quartile";
  sign: "positive" | "absolute" | "signed";
  borders: boolean;
}

/**
 * What a column of the grid asks, a class or a number of the user's `own`, and how its maps want to be drawn.
 *
 * `input` is the name of the model's input whose pictures it shows where there are several, else "". `model` is the
 * name of the model where there are several, else ""; `matched` says in words why it shows this layer, "" where that
 * has the name of the one that was chosen.
 */
export interface Column {
  layer: string;
  method: string;
  method_title: string;
  target: string;
  signed: boolean;
  own: boolean;
  input: string;
  model: string;
  matched: string;
  display: DisplayRecord;
}

/**
 * A number of each image, by which pages filter and sort; `title` says in words what it is.
 *
 * `values` are those of all images, None where it cannot be told; [] where a `shelf` brings them.
 */
export interface NumberColumn { name: string; title: string; values: (number | null)[]; }

/** A small picture with its map, as an address, and the part that was tested, in fractions, None where none was. */
export interface SuspectPicture { name: string; url: string; box: number[] | null; }

/**
 * Images that stand apart from their class, and what interventions say of that.
 *
 * `size` is how many there are, `images` the numbers of those that are shown, little-endian uint32 in base64; `wrong`
 * which parts of them and of the others of the class are predicted wrong, None without labels; `map` the mean map as
 * an address, "" where there is none.
 */
export interface SuspicionRecord {
  target_name: string;
  verdict: "confirmed" | "not confirmed" | "not testable";
  why: string;
  size: number;
  share: number;
  wrong: number[] | null;
  images: string;
  pictures: SuspectPicture[];
  map: string;
}

/** What a search for shortcuts has found in a store, the worst first; `limits` are what it cannot find. */
export interface SuspicionRecords { headline: string; summary: string; limits: string[]; items: SuspicionRecord[]; }

/**
 * Answers `hello`: all that does not change while the widget lives.
 *
 * `arguments` are the user's own, as Python; `offer` the questions that can be asked, None where any can; `columns`
 * what is stored of each image besides, `suspicions` what was found in a store, None where nobody has searched.
 * `predicts` says what the numbers of `predictions` are: probabilities, scores where the head gives none, values of a
 * regression, or which share of a segmenter's places each class wins. `units` are those of values, "" of one without,
 * and [] where scores are of classes; `places` is the (height, width) of what a segmenter tells, [] of other models.
 * `regions` are the kinds that can be asked about, none where the model has one score per class.
 * `unmeasurable` says why nothing can be covered, None where it can. `models` are those that can be compared, the
 * first of which the other facts are about; none where there is one.
 */
export interface Welcome {
  kind: "welcome";
  version: number;
  gen: number;
  catalogue: MethodRecord[];
  wrappers: WrapperRecord[];
  inspection: InspectionRecord;
  class_names: string[];
  arguments: string[];
  offer: QuestionRecord[] | null;
  columns: NumberColumn[];
  suspicions: SuspicionRecords | null;
  predicts: "probability" | "score" | "value" | "share";
  units: string[];
  places: number[];
  regions: ("wins" | "whole" | "pixel" | "box" | "object" | "mask")[];
  unmeasurable: string | null;
  models: ModelRecord[];
}

/**
 * What is known of all images of a store, in parts, with one buffer each.
 *
 * It holds, for the `count` images from `first` on: the most probable classes, the true ones (both int32, −1 where
 * unknown), their probabilities, the scores of the first target, and each of the welcome's `columns` (all float32,
 * NaN where unknown).
 */
export interface Shelf { kind: "shelf"; images: number; first: number; count: number; }

/**
 * A picture of a store, or why there is none.
 *
 * `box` is the part of it that the model sees, `original_size` the (width, height) of the file.
 */
export interface Photo {
  image: number;
  name: string;
  width: number;
  height: number;
  box: number[];
  original_size: number[];
  mime: string;
  problem: string;
  byte_offset: number;
  byte_length: number;
}

/** Some pictures, with one buffer. */
export interface Pictures { kind: "pictures"; seq: number; items: Photo[]; }

/** The question is taken; older ones are void. */
export interface Queued { kind: "queued"; gen: number; }

/**
 * The question's columns, before their first maps.
 *
 * `asked` holds its traits; `key` names the answer. Where it is `held` no maps follow: views have them already.
 */
export interface Running {
  kind: "running";
  gen: number;
  key: string;
  asked: QuestionRecord;
  columns: Column[];
  held: boolean;
}

/** How far a long question is; `eta_s` is None while unknown. */
export interface Progress { kind: "progress"; gen: number; done: number; total: number; eta_s: number | null; }

/** Some maps, with one buffer; a later item for the same image and column replaces an earlier one. */
export interface Maps { kind: "maps"; gen: number; seq: number; items: Item[]; }

/** A whole answer; its items point into the buffer of the message. */
export interface Whole { key: string; asked: QuestionRecord; columns: Column[]; items: Item[]; }

/** Answers that were not asked for, and may be next; with one buffer. */
export interface Ahead { kind: "ahead"; seq: number; answers: Whole[]; }

/** A small map of one image at one layer. */
export interface Thumbnail {
  shape: number[];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  byte_offset: number;
  byte_length: number;
  layer: string;
}

/** Answers `want`, in parts, with one buffer each; those of one `key` belong together. */
export interface Thumbnails {
  kind: "thumbnails";
  gen: number;
  image: number;
  column: number;
  key: string;
  method_title: string;
  signed: boolean;
  items: Thumbnail[];
}

/**
 * About how many seconds each method would take for these images, at the layer that it would be asked at, by id.
 *
 * Those that are missing do not tell; the words of the catalogue then have to do. `refused` says why others cannot be
 * asked. `measuring` is what the evidence of all maps of one image takes, None while that is unknown.
 */
export interface Costs {
  kind: "costs";
  gen: number;
  seconds: Record<string, number>;
  refused: Record<string, string>;
  measuring: number | null;
}

/** The probability of a class in a picture as it is, and as a part of it is covered; without such, its scores. */
export interface PaintedClass { index: number; before: number | null; after: number | null; }

/**
 * What covering a part of an image does.
 *
 * `before` and `after` are values of what the map explains, None where it explains nothing. `lost` is which part is
 * gone: of a probability, of itself; of a score, of what it loses when all is covered, None where that is too little.
 * The others are the predicted classes.
 */
export interface PaintedImage {
  image: number;
  before: number | null;
  after: number | null;
  lost: number | null;
  best_before: number;
  best_after: number;
}

/**
 * Answers `paint`, with one buffer, in parts where there are many images; or says why there is no answer.
 *
 * Of a single image there are `classes`, told by probability where `has_probabilities`, and the buffer is the very
 * picture that was scored, as PNG. `share` is the part of the pictures that is marked; `images` are those scored so
 * far, of so many that are `asked`, and `value` is that of what the map explains.
 */
export interface Painted {
  kind: "painted";
  gen: number;
  view: string;
  serial: number;
  column: number;
  value: "probability" | "score";
  share: number;
  images: PaintedImage[];
  asked: number;
  classes: PaintedClass[];
  has_probabilities: boolean;
  width: number;
  height: number;
  problem: string;
}

/** The answer is whole: it has so many maps. */
export interface Done { kind: "done"; gen: number; seconds: number; maps: number; }

/** The question was given up on request. */
export interface Cancelled { kind: "cancelled"; gen: number; }

/** The question failed; gen 0 if it was no question but something else the browser sent. */
export interface Error { kind: "error"; gen: number; message: string; hint: string; traceback: string; }

/** A part of a file that a view asked for, with one buffer; or, with an empty buffer, why there is none. */
export interface File { kind: "file"; id: string; part: number; parts: number; error: string; }

/**
 * A part of an image, in the first of two buffers; or, with an empty one, why there is none.
 *
 * The second holds the same part of a map that was averaged to be sent, if there is a `map`. `box` is the part in
 * pixels of the original, [x0, y0, x1, y1], which is `original_size` (width, height) large; the crop has `width` ×
 * `height` pixels of its own.
 */
export interface Crop {
  kind: "crop";
  id: string;
  image: number;
  box: number[];
  original_size: number[];
  width: number;
  height: number;
  mime: string;
  map: MapPart | null;
  problem: string;
}

/** What the model predicted at an epoch: numbers of all classes (N, C), and the classes of most score (N,). */
export interface EpochPredictions {
  shape: number[];
  dtype: "float32" | "uint16";
  scale: number;
  offset: number;
  byte_offset: number;
  byte_length: number;
  best: number[];
}

/**
 * A number of each map of an epoch, image by image and column by column, None where it is not known.
 *
 * `better` is "" of what the model says, and says which way is better of what a metric does.
 */
export interface EpochFigure {
  name: string;
  title: string;
  better: "higher" | "lower" | "";
  values: ((number | null)[])[];
}

/**
 * What was explained at one moment of a training, the `number`th from 0 on, after so many `epoch`s.
 *
 * `items` and `predictions` lie in the record's buffer; there are none where they had to make room for others.
 */
export interface EpochRecord {
  number: number;
  epoch: number;
  words: string;
  asked: QuestionRecord;
  columns: Column[];
  items: Item[];
  predictions: EpochPredictions | null;
  figures: EpochFigure[];
}

/**
 * What was explained while a model is trained, with a buffer for each of `items`.
 *
 * `kept` are the numbers of all whose maps are still there, `notes` what else is to be said of the training that is
 * followed, `training` whether it goes on.
 */
export interface Epochs { kind: "epochs"; items: EpochRecord[]; kept: number[]; notes: string[]; training: boolean; }

/** From a view that has just been drawn; `have` are the keys of the answers that it has. */
export interface Hello { kind: "hello"; version: number; view: string; have: string[]; }

/** A view came into sight or went out of it. */
export interface Seen { kind: "seen"; view: string; visible: boolean; }

/** Something of this question did not arrive, or the answer said to be held is not here any more. */
export interface Miss { kind: "miss"; gen: number; }

/** Ask this question again: the weights have changed. */
export interface Refresh { kind: "refresh"; gen: number; }

/** Give up this question. */
export interface Cancel { kind: "cancel"; gen: number; }

/** Asks for one image's thumbnails at all layers, once the question is answered; `have` is the last one's key. */
export interface Want { kind: "want"; gen: number; image: number; column: number; have: string; }

/**
 * Asks what the model says of images when the marked pixels are covered, or all but these, to `keep` them alone.
 *
 * `size` is the (height, width) of the mask, which is brought to that of the model's input. Of those of a view, the
 * latest about one image and the latest about several are answered; `serial` numbers them.
 */
export interface Paint {
  kind: "paint";
  gen: number;
  view: string;
  serial: number;
  images: number[];
  column: number;
  cover: string;
  keep: boolean;
  size: number[];
  mask: string;
}

/** The images of a store whose rows are near sight: those whose picture, and those whose maps, are not here yet. */
export interface Look { kind: "look"; gen: number; pictures: number[]; maps: number[]; }

/** Make a file, `"html"` or `"npz"` (of one column), for the view that knows this id. */
export interface Export { kind: "export"; id: string; format: string; column: number; }

/**
 * Asks for a part of an image, and of its map in a `column` of the question `gen`, at most `longest` pixels long.
 *
 * `box` is in pixels of the original, `id` is the view's; a later one takes the place of an earlier one that waits.
 */
export interface Enlarge {
  kind: "enlarge";
  id: string;
  image: number;
  box: number[];
  longest: number;
  gen: number;
  column: number;
}

/** A frame of maps or pictures was taken in. */
export interface Ack { kind: "ack"; seq: number; }

export type Down = Welcome | Predictions | Shelf | Pictures | Segmentation | Detected | Queued | Running | Progress | Maps | Ahead | Thumbnails | Costs | Agreements | Evidence | Covered | Painted | Rankings | Nearest | Done | Cancelled | Error | File | Crop | FoundConcepts | Epochs;

export type Up = Hello | Seen | Refresh | Cancel | Miss | Want | Measure | Cover | Paint | Rank | Look | Segment | Export | Enlarge | Ack | FindConcepts;

export type Message<Kind extends (Down | Up)["kind"]> = Extract<Down | Up, { kind: Kind }>;

/** What fields the kernel's messages must have; those that may be null are not listed. */
export const FIELDS: Readonly<Record<Down["kind"], Readonly<Record<string, "number" | "string" | "boolean" | "list" | "object">>>> = {
  welcome: { version: "number", gen: "number", catalogue: "list", wrappers: "list", inspection: "object", class_names: "list", arguments: "list", columns: "list", units: "list", places: "list", regions: "list", models: "list" },
  predictions: { model: "string", shape: "list", first: "number", best: "list" },
  shelf: { images: "number", first: "number", count: "number" },
  pictures: { seq: "number", items: "list" },
  segmentation: { version: "number", items: "list" },
  detected: { items: "list" },
  queued: { gen: "number" },
  running: { gen: "number", key: "string", asked: "object", columns: "list", held: "boolean" },
  progress: { gen: "number", done: "number", total: "number" },
  maps: { gen: "number", seq: "number", items: "list" },
  ahead: { seq: "number", answers: "list" },
  thumbnails: { gen: "number", image: "number", column: "number", key: "string", method_title: "string", signed: "boolean", items: "list" },
  costs: { gen: "number", seconds: "object", refused: "object" },
  agreements: { gen: "number", items: "list" },
  evidence: { gen: "number", items: "list" },
  covered: { gen: "number", image: "number", column: "number", curve: "string", step: "number", cover: "string", share: "number", width: "number", height: "number", classes: "list", problem: "string" },
  painted: { gen: "number", view: "string", serial: "number", column: "number", share: "number", images: "list", asked: "number", classes: "list", has_probabilities: "boolean", width: "number", height: "number", problem: "string" },
  rankings: { gen: "number", rankable: "list", items: "list" },
  nearest: { edition: "string", layer: "string", items: "list" },
  done: { gen: "number", seconds: "number", maps: "number" },
  cancelled: { gen: "number" },
  error: { gen: "number", message: "string", hint: "string", traceback: "string" },
  file: { id: "string", part: "number", parts: "number", error: "string" },
  crop: { id: "string", image: "number", box: "list", original_size: "list", width: "number", height: "number", mime: "string", problem: "string" },
  concepts: { key: "string", layer: "string", shape: "list", images: "list", concepts: "list", sentence: "string", notes: "list", problem: "string", done: "number" },
  epochs: { items: "list", kept: "list", notes: "list", training: "boolean" },
};
