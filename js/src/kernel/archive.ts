/** Answers saved for where there is no kernel; `kx_widget/widget/archive.py` writes them. */

import { type ConceptSet, readSavedConcepts, type SavedConcepts } from "./conceptSet";
import {
  type Answer,
  type Binary,
  copyPart,
  type PredictionTable,
  readEvidence,
  readMap,
  readTiles,
  type ScoredCurves,
  type TileMap,
  tileKey,
  toBytes,
  unzip,
} from "./decode";
import { type EpochTable, readSavedEpochs, type SavedMoment } from "./epochTable";
import { type NearestTable, withNearest } from "./nearestTable";
import {
  type AgreementRecord,
  type ClassRecord,
  type Column,
  type Encoded,
  type EvidenceRecord,
  type Item,
  type Nearest,
  type QuestionRecord,
  type RankingRecord,
  type SegmentedImage,
  VERSION,
  type Welcome,
} from "./protocol";
import { canonicalText } from "./question";
import { type LabelMap, readSegmentations } from "./segmentation";

/** What the kernel tells a view once. */
export type Constants = Pick<
  Welcome,
  | ("catalogue" | "wrappers" | "inspection" | "class_names" | "arguments" | "columns" | "suspicions")
  | ("predicts" | "units" | "places" | "regions" | "unmeasurable" | "models")
>;

export interface ArchivedAnswer {
  question: QuestionRecord;
  answer: Answer;
  seconds: number | null;
  /** Methods beside each other, for its targets. */
  rankings: RankingRecord[];
}

/** What can be asked while no kernel answers: only what was answered before. */
export interface AvailableQuestions {
  questions: readonly QuestionRecord[];
  /** This page will never have a kernel. */
  offline: boolean;
  /** They are those of a stored data set, whose model is not here. */
  fromStore: boolean;
  /** How many older answers had no room. */
  leftOut: number;
  /** The largest side that maps were averaged down to; null where they are as they were. */
  side: number | null;
}

export interface Archive {
  constants: Constants;
  predictions: PredictionTable | null;
  /** Those of models that are compared with the first, by name. */
  modelPredictions: ReadonlyMap<string, PredictionTable>;
  available: AvailableQuestions;
  /** The latest is the last. */
  answers: ArchivedAnswer[];
  /** By image. */
  segmentations: ReadonlyMap<number, LabelMap>;
  concepts: ConceptSet | null;
  /** Which images are like others. */
  nearest: NearestTable | null;
  epochs: EpochTable | null;
}

interface Header {
  version: number;
  alone: boolean;
  left_out: number;
  side: number | null;
  welcome: Constants;
  predictions: SavedPredictions | null;
  answers: SavedAnswer[];
  /** Earlier versions saved none of these. */
  models?: (SavedPredictions & { model: string })[];
  segmentations?: SegmentedImage[];
  concepts?: SavedConcepts[];
  nearest?: Omit<Nearest, "kind"> | null;
  epochs?: SavedMoment[];
  epoch_notes?: string[];
}

type SavedPredictions = Encoded & { best: number[] };

interface SavedAnswer {
  asked: QuestionRecord;
  columns: Column[];
  items: Item[];
  seconds: number | null;
  /** Earlier versions measured none. */
  evidence?: EvidenceRecord[];
  curves?: SavedCurves[];
  rankings?: RankingRecord[];
  agreements?: AgreementRecord[];
}

interface SavedCurves {
  image: number;
  column: number;
  cover: string;
  classes: Record<string, ClassRecord[][]>;
  /** Where picture, covering and levels lie in the buffer, and their lengths. */
  parts: [offset: number, length: number][];
}

/** What earlier versions did not save. */
const EARLIER = {
  columns: [],
  suspicions: null,
  predicts: "probability" as const,
  units: [],
  places: [],
  regions: [],
  unmeasurable: null,
  models: [],
};

/** Null where nothing was saved, or where another version saved it. */
export async function openArchive(binary: Binary | null | undefined): Promise<Archive | null> {
  if (!binary || binary.byteLength === 0) return null;
  const bytes = await unzip(toBytes(binary));
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header: Header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  if (header.version !== VERSION) return null;
  const buffer = bytes.subarray(Math.ceil((4 + length) / 4) * 4);

  const { welcome, predictions, alone: offline, left_out: leftOut, side } = header;
  const answers = header.answers.map((saved): ArchivedAnswer => {
    const { asked, columns, items, seconds, evidence = [], curves = [], rankings = [], agreements } = saved;
    const question: QuestionRecord = { ...asked, regions: asked.regions ?? {} };
    const tiles = new Map(readTiles(items, [buffer]));
    const measured = { evidence: new Map(readEvidence(evidence)), curves: readCurves(curves, buffer) };
    return { question, seconds, answer: { key: "", columns, tiles, agreements, ...measured }, rankings };
  });
  // The column of two comparisons, or that of one and an answer, is one answer: the latest.
  const all = latest([...answers.flatMap((archived) => splitColumns(archived, welcome)), ...answers]);
  return {
    constants: { ...EARLIER, ...welcome },
    predictions: predictions && readSavedPredictions(predictions, buffer),
    modelPredictions: new Map((header.models ?? []).map((saved) => [saved.model, readSavedPredictions(saved, buffer)])),
    available: { questions: all.map(({ question }) => question), offline, fromStore: false, leftOut, side },
    answers: all,
    segmentations: new Map(await readSegmentations(header.segmentations ?? [], buffer)),
    concepts: readSavedConcepts(header.concepts ?? [], buffer),
    nearest: header.nearest ? withNearest(null, header.nearest) : null,
    epochs: readSavedEpochs(header.epochs ?? [], header.epoch_notes ?? [], buffer),
  };
}

const readSavedPredictions = (saved: SavedPredictions, buffer: Uint8Array<ArrayBuffer>): PredictionTable => ({
  images: saved.shape[0],
  classes: saved.shape[1],
  predicted: saved.best,
  values: readMap(saved, buffer),
});

const readCurves = (saved: readonly SavedCurves[], buffer: Uint8Array<ArrayBuffer>): Map<string, ScoredCurves> =>
  new Map(
    saved.map(({ image, column, cover, classes, parts }) => {
      const [picture, covering, levels] = parts.map(([offset, length]) => copyPart(buffer, offset, length));
      return [tileKey(image, column), { cover, classes, picture, covering, levels }];
    }),
  );

/** The last of those that answer the same; a layer that none of an answer's methods sees makes no other answer of it. */
function latest(answers: readonly ArchivedAnswer[]): ArchivedAnswer[] {
  const text = ({ question, answer }: ArchivedAnswer) =>
    canonicalText(answer.columns.some(({ layer }) => layer) ? question : { ...question, layer: "" });
  const texts = answers.map(text);
  return answers.filter((_, index) => texts.lastIndexOf(texts[index]) === index);
}

/** The columns of a comparison, each as the answer to a question of its own. */
function splitColumns(
  { question, answer, seconds, rankings }: ArchivedAnswer,
  { catalogue }: Constants,
): ArchivedAnswer[] {
  // A model alone is no question to several.
  if (question.compare === "none" || question.compare === "models") return [];
  return answer.columns.map((column, index) => {
    const namesOf = (methods: Constants["catalogue"]) =>
      methods.flatMap(({ params }) => params.map(({ name }) => name));
    const ownNames = namesOf(catalogue.filter(({ id }) => id === column.method));
    const allNames = namesOf(catalogue);
    const params = Object.fromEntries(
      Object.entries(question.params).filter(([name]) => ownNames.includes(name) || !allNames.includes(name)),
    );
    const { method, target } = column;
    const layer = column.layer || question.layer;
    const tiles = [...answer.tiles.values()]
      .filter(({ item }) => item.column === index)
      .map((tile): [string, TileMap] => [tileKey(tile.item.image, 0), { ...tile, item: { ...tile.item, column: 0 } }]);
    const records = [...(answer.evidence?.values() ?? [])].filter((record) => record.column === index);
    const evidence = new Map(readEvidence(records.map((record) => ({ ...record, column: 0 }))));
    const curves = new Map(
      records.flatMap(({ image }): [string, ScoredCurves][] => {
        const scored = answer.curves?.get(tileKey(image, index));
        return scored ? [[tileKey(image, 0), scored]] : [];
      }),
    );
    return {
      question: { layer, method, target, params, compare: "none", compare_with: [], regions: question.regions },
      answer: { key: "", columns: [column], tiles: new Map(tiles), evidence, curves },
      seconds,
      rankings,
    };
  });
}
