/** The answer on the screen: the kernel's, or a cached one where the page has asked another question since. */

import { type Answer, type Binary, readEvidence, readTiles, type TileMaps, tileKey } from "../kernel/decode";
import type { AgreementRecord, EvidenceRecord, Maps, QuestionRecord, Running } from "../kernel/protocol";
import { canonicalText } from "../kernel/question";
import type { AnswerCache } from "./answerCache";
import { currentQuestion, type Store } from "./store";

/** Of an answer that no question of the kernel has. */
const NO_GEN = -1;

/** The state of the kernel's newest question. */
type Incoming =
  /** The kernel has announced none. */
  | { state: "idle"; gen: 0 }
  /** The kernel has taken it, and has not sent its traits yet. */
  | { state: "asked"; gen: number }
  /** Its maps are coming in, or complete; `frames` holds the number of the frame that brought each tile. */
  | { state: "streaming"; gen: number; question: QuestionRecord; answer: Answer; frames: Map<string, number> };

/** The state of the screen, with the question (as text) and the key of the answer on it. */
type Screen = { state: "empty" } | { state: "shown" | "stale"; question: string; key: string };

export class CurrentAnswer {
  private incoming: Incoming = { state: "idle", gen: 0 };
  private screen: Screen = { state: "empty" };
  /** The answer of the screen, behind an epoch that is shown instead. */
  private answer: Answer | null = null;

  constructor(
    private readonly store: Store,
    private readonly cache: AnswerCache,
  ) {}

  /** The number of the newest question that the kernel has announced; 0 before the first. */
  get gen(): number {
    return this.incoming.gen;
  }

  show(question: QuestionRecord, answer: Answer): void {
    this.screen = { state: "shown", question: canonicalText(question), key: answer.key };
    this.answer = answer;
    if (this.store.epochShown.peek() === null) this.draw(answer, this.gen);
  }

  /** Shows an answer of other weights, until `showAgain`. */
  showInstead(answer: Answer): void {
    this.draw(answer, NO_GEN);
    this.store.agreements.value = [];
  }

  showAgain(): void {
    if (!this.answer) return;
    this.draw(this.answer, this.gen);
    this.store.stale.value = this.screen.state === "stale";
  }

  private draw(answer: Answer, gen: number): void {
    this.store.answer.value = { ...answer, gen };
    this.store.evidence.value = answer.evidence ?? new Map();
    this.store.curves.value = answer.curves ?? new Map();
    const isOfModels = new Set(answer.columns.map(({ model }) => model)).size > 1;
    // Those of the answer before stay till its own come, soon after its maps: rows sorted by them must not jump twice.
    if (answer.agreements || !isOfModels) this.store.agreements.value = answer.agreements ?? [];
    this.store.stale.value = false;
  }

  /** The kernel has taken another question. */
  next(gen: number): void {
    this.incoming = { state: "asked", gen };
    this.mark(({ question }) => question !== this.pageQuestion());
  }

  /** The kernel begins to answer; false where it relies on cached maps that the page does not have. */
  begin({ gen, asked, key, columns, held }: Running): boolean {
    const cached = this.cache.find(asked);
    const isCached = cached?.key === key;
    const { incoming } = this;
    const nothing = { answer: { tiles: new Map() }, frames: new Map() };
    const before = incoming.state === "streaming" ? incoming : nothing;
    const answer = isCached ? cached : { ...before.answer, key, columns };
    this.incoming = { state: "streaming", gen, question: asked, answer, frames: before.frames };
    if (isCached) this.showIncoming();
    else this.mark((screen) => screen.key !== key);
    return isCached || !held;
  }

  /** Adds maps to the incoming answer; `trim` drops those that there is no room for. */
  add({ items, seq }: Maps, buffers: Binary[], trim: (tiles: TileMaps) => TileMaps): void {
    const { incoming } = this;
    if (incoming.state !== "streaming") return;
    const { answer, frames } = incoming;
    const { length } = this.store.traits._images.peek();
    const foreign = items.find(({ image, column }) => !(image >= 0 && image < length && column in answer.columns));
    if (foreign) throw new Error(`there is no image ${foreign.image} in a column ${foreign.column}`);
    const tiles = readTiles(items, buffers).filter(([key]) => seq >= (frames.get(key) ?? seq));
    for (const [key] of tiles) frames.set(key, seq);
    incoming.answer = { ...answer, tiles: trim(new Map([...answer.tiles, ...tiles])) };
    this.showIncoming();
  }

  /** Adds what was measured of the incoming answer, which draws no map anew. */
  addEvidence(items: readonly EvidenceRecord[]): void {
    const { incoming, screen } = this;
    if (incoming.state !== "streaming") return;
    const { question, answer } = incoming;
    const evidence = new Map([...(answer.evidence ?? []), ...readEvidence(items)]);
    incoming.answer = { ...answer, evidence };
    this.remember(question, incoming.answer);
    if (screen.state === "empty" || screen.key !== answer.key) return;
    this.answer = incoming.answer;
    if (this.store.epochShown.peek() === null) this.store.evidence.value = evidence;
  }

  /** Adds how far the maps of the incoming answer agree. */
  addAgreements(agreements: readonly AgreementRecord[]): void {
    const { incoming, screen } = this;
    if (incoming.state !== "streaming") return;
    incoming.answer = { ...incoming.answer, agreements };
    this.remember(incoming.question, incoming.answer);
    if (screen.state === "empty" || screen.key !== incoming.answer.key) return;
    this.answer = incoming.answer;
    if (this.store.epochShown.peek() === null) this.store.agreements.value = agreements;
  }

  /** Whether all maps of an image have come for the newest question. */
  has(image: number): boolean {
    if (this.incoming.state !== "streaming") return false;
    const { columns, tiles } = this.incoming.answer;
    return columns.every((_, column) => tiles.has(tileKey(image, column)));
  }

  /** The kernel has finished with so many maps; false where some of them have not arrived. */
  end(maps: number): boolean {
    if (this.incoming.state !== "streaming") return false;
    const { question, answer } = this.incoming;
    if ([...answer.tiles.values()].filter(({ item }) => !item.partial).length < maps) return false;
    this.remember(question, answer);
    return true;
  }

  /** Whether the kernel is answering a question that the page has replaced since. */
  isSuperseded(): boolean {
    const { incoming } = this;
    return incoming.state === "streaming" && canonicalText(incoming.question) !== this.pageQuestion();
  }

  /** Puts an answer into the cache, if it is complete. */
  remember(question: QuestionRecord, answer: Answer): void {
    const tiles = [...answer.tiles.values()];
    const count = answer.columns.length * this.store.traits._images.peek().length;
    if (tiles.length === count && tiles.every(({ item }) => !item.partial)) this.cache.add(question, answer);
  }

  /** The page's question has changed: shows the incoming answer if it is the one asked for. */
  catchUp(): void {
    const { incoming, screen } = this;
    if (incoming.state !== "streaming" || incoming.answer.tiles.size === 0) return;
    const question = this.pageQuestion();
    if (screen.state !== "empty" && screen.question === question) return;
    if (canonicalText(incoming.question) === question) this.show(incoming.question, incoming.answer);
  }

  private pageQuestion = () => canonicalText(currentQuestion(this.store));

  private mark(isStale: (screen: { question: string; key: string }) => boolean): void {
    if (this.screen.state === "empty") return;
    this.screen.state = isStale(this.screen) ? "stale" : "shown";
    if (this.store.epochShown.peek() === null) this.store.stale.value = this.screen.state === "stale";
  }

  /** Shows the incoming answer, unless the page asks for, and shows, another one. */
  private showIncoming(): void {
    const { incoming, screen } = this;
    if (incoming.state !== "streaming") return;
    const question = this.pageQuestion();
    const showsOther = screen.state !== "empty" && screen.question === question;
    if (canonicalText(incoming.question) === question || !showsOther) this.show(incoming.question, incoming.answer);
  }
}
