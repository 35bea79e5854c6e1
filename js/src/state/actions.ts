/** What a user can do beside setting a signal of the store. */

import { batch } from "@preact/signals";
import type { QuestionRecord, RegionRecord } from "../kernel/protocol";
import { isEqual } from "../kernel/question";
import { Transform } from "../math/transform";
import { canResetRegion } from "./availableQuestions";
import { type CoverPlace, coveredKey } from "./covered";
import type { CropQuestion } from "./crops";
import { detectionQuestion } from "./detections";
import { unmeasured } from "./evidence";
import { isRight } from "./filterSort";
import { askRegion, regionOfMask, withRegion } from "./regions";
import type { Session } from "./session";
import {
  COMPARED,
  type Compare,
  type CoverName,
  chosenTile,
  comparedValues,
  currentQuestion,
  type Detection,
  type Drawing,
  focusedImage,
  LEAST_SPAN,
  type Store,
  type Target,
  type TilePlace,
  type Traits,
  WHOLE_SCALE,
} from "./store";
import { joinTarget, TOPS, TRUE } from "./target";

export class Actions {
  constructor(
    private readonly store: Store,
    private readonly session: Session,
  ) {}

  chooseLayer = (layer: string) => this.ask({ layer, ...this.withColumn("layers", layer) });

  chooseTarget = (target: Target) => this.ask({ target, ...this.withColumn("targets", target) });

  /** Another method begins with its own parameters and the whole of its colours; what it is wrapped in stays. */
  chooseMethod = (method: string) => {
    const { traits, constants } = this.store;
    const isWrapper = (name: string) => constants.peek()?.wrappers.some(({ id }) => id === name);
    const columns = this.withColumn("methods", method);
    if (method === traits.method.peek()) return this.ask({ method, ...columns });
    const wrappers = Object.entries(traits.params.peek()).filter(([name]) => isWrapper(name));
    this.ask({ method, params: Object.fromEntries(wrappers), limits: WHOLE_SCALE, ...columns });
  };

  /** Undefined removes the parameter. */
  setParam = (name: string, value: unknown) => {
    const { [name]: _, ...others } = this.store.traits.params.peek();
    this.session.set({ params: value === undefined ? others : { ...others, [name]: value } });
  };

  /** What the model takes for something else begins with why, and why not the truth. */
  compareBy = (compare: Compare) => {
    const { store } = this;
    if (compare === store.traits.compare.peek()) return;
    const showsWrong = store.traits.show.peek() === "wrong" && store.filters.peek().has("wrong");
    const isWrong = showsWrong || isRight(store.facts.peek(), focusedImage(store)) === false;
    const compare_with = compare === "targets" && isWrong ? [TOPS[0], TRUE, joinTarget(TOPS[0], TRUE, [])] : [];
    this.session.set({ compare, compare_with: store.available.peek() ? [] : compare_with, limits: WHOLE_SCALE });
  };

  /** The choice that a picker shows is one of the columns that are left. */
  removeColumn = (value: Target) => {
    const { traits } = this.store;
    const compare = traits.compare.peek();
    const others = comparedValues(this.store).filter((column) => column !== value);
    if (compare === "none" || compare === "models" || others.length === 0)
      return this.session.set({ compare: "none", compare_with: [] });
    const name = COMPARED[compare];
    const chosen = traits[name].peek() === value ? { [name]: others[others.length - 1] } : {};
    this.session.set({ ...chosen, compare_with: others });
  };

  /** Explains a region of an image. */
  chooseRegion = (image: number, region: RegionRecord) => {
    const { regions, target } = currentQuestion(this.store);
    const question = askRegion({ regions, target }, image, region);
    if (!isEqual(question.regions, regions)) this.session.set(question);
  };

  /** Explains an image as the others again, or else where the class wins; false where it is, or cannot be. */
  resetRegion = (image: number): boolean => {
    const regions = this.store.traits.regions.peek();
    const others = withRegion(regions, image, null);
    if (isEqual(others, regions) || !canResetRegion(this.store, image)) return false;
    this.session.set({ regions: others });
    return true;
  };

  /** Explains why something is detected in an image. */
  explainDetection = (image: number, detection: Detection) => {
    const question = detectionQuestion(this.store, image, detection);
    if (question) this.session.set(question);
  };

  /** Explains what is painted on an image. */
  explainPainted = (image: number) => this.chooseRegion(image, regionOfMask(this.store.painting.mask.peek()));

  commit = (drawing: Partial<Drawing>) => this.session.set(drawing);

  /** Moves an end of the colours on this page; `commit` tells Python. */
  moveLimits = (limits: { low?: number; high?: number }) => {
    const [low, high] = this.store.traits.limits.peek();
    const end = Math.min(Math.max(limits.high ?? high, LEAST_SPAN), 1);
    this.store.traits.limits.value = [Math.min(Math.max(limits.low ?? low, 0), end - LEAST_SPAN), end];
  };

  resetLimits = () => this.commit({ limits: WHOLE_SCALE });

  selectTile = ({ image, column }: TilePlace) => {
    this.store.chosenColumn.value = column;
    if (this.store.traits.selected.peek()[0] !== image) this.session.set({ selected: [image] });
  };

  focusTile = (tile: TilePlace | null) => {
    const before = this.store.focus.peek();
    if (before?.image !== tile?.image || before?.column !== tile?.column) this.store.focus.value = tile;
  };

  resetView = () => {
    this.store.view.value = Transform.identity;
    this.store.crosshair.value = null;
  };

  /** Asks a question that was answered before, as a whole. */
  openAnswer = (question: QuestionRecord) => this.session.set(question);

  /** Which images are shown, and in which order. */
  arrange = (rows: Partial<Pick<Traits, "show" | "sort">>) => this.session.set(rows);

  cancel = () => this.session.cancel();

  refresh = () => this.session.refresh();

  fetchThumbnails = () => {
    const { image, column } = chosenTile(this.store);
    this.session.fetchThumbnails(image, column);
  };

  /** The images whose rows are near sight have changed. */
  fetchVisible = (images: readonly number[]) => {
    this.store.inSight.value = images;
    this.session.images.fetchVisible(images);
  };

  /** Measures these images' maps, as far as they are not. */
  measure = (images: readonly number[]) =>
    this.session.measure(unmeasured(this.store, images), this.store.cover.peek());

  stopMeasuring = () => this.session.measure([], this.store.cover.peek());

  /** Compares these methods on these images, for the target of the column that is looked at. */
  rank = (images: readonly number[], methods: readonly string[]) => {
    const { column } = chosenTile(this.store);
    this.session.rank({ column, images: [...images], methods: [...methods], cover: this.store.cover.peek() });
  };

  stopRanking = () => this.rank([], []);

  /** Takes a method as it was compared: at that layer, with its own parameters. */
  takeMethod = (method: string, layer: string) =>
    this.session.set({ method, layer, params: {}, limits: WHOLE_SCALE, ...this.withColumn("methods", method) });

  /** Covers with something else, and measures the image in focus with it. */
  coverWith = (cover: CoverName) => {
    this.store.cover.value = cover;
    this.measure([focusedImage(this.store)]);
  };

  fetchCovered = (place: CoverPlace) => {
    if (!this.store.covered.peek().has(coveredKey(this.store, place))) this.session.cover(place);
  };

  /** Scores what is painted; while a step goes on, no oftener than the kernel answers. */
  scorePainted = (isMoving = false) => this.session.strokes.score(chosenTile(this.store), isMoving);

  /** Scores the same mask on all images in sight. */
  scoreInSight = () => this.session.strokes.scoreAll(this.store.inSight.peek(), chosenTile(this.store).column);

  /** Once a view rests, asks for the pixels of the original that it lacks. */
  fetchCrop = (image: number, column: number, question: () => CropQuestion | null) =>
    this.session.crops.fetchAtRest(image, column, question);

  /** Shows the moment of a training at this place of the slider. */
  showMoment = (place: number) => batch(() => this.session.epochs.show(place));

  fetchFile = (format: string, column: number) => this.session.downloads.fetch(format, column);

  private ask(values: Partial<Traits>): void {
    const { traits } = this.store;
    if (Object.entries(values).some(([name, value]) => traits[name as keyof Traits].peek() !== value)) {
      this.session.set(values);
    }
  }

  /** While a dimension is compared, what is chosen in it becomes one more column. */
  private withColumn(compare: Compare, value: Target): Partial<Traits> {
    const columns = comparedValues(this.store);
    if (this.store.traits.compare.peek() !== compare || columns.includes(value)) return {};
    return { compare_with: [...columns, value] };
  }
}
