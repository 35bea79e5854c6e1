/** A model object as a host of anywidget gives it, with a made-up kernel behind it. */

import { CATALOGUE, classNames, layers, WRAPPERS } from "./catalogue.js";
import {
  coveredPicture,
  freeEvidence,
  paintedPicture,
  rankingRecord,
  rankings,
  SIDE,
  STEPS,
  wholeEvidence,
} from "./evidence.js";
import { random, scene } from "./scenes.js";

/** So many scenes are drawn; more images repeat them. */
const DRAWN = 24;
const QUESTION = ["layer", "method", "target", "params", "compare", "compare_with", "regions"];
/** Of an object, the cells that it fills of so many a side. */
const CELLS = 64;

/** Of Blob-CAM and what else sees a layer. */
const CAUTIONS = {
  blobs: "On this model Blob-CAM points into the right object in 8 of 100 pictures; at 'stage2' in 23.",
  layer: "How far this method can be trusted on this model was not measured.",
};
const TRY = "Try layer 'trunk/stage4/block2/relu' or Integrated blobs.";
/** What there is to be said of the first images' maps. */
const REMARKS = [
  {
    change: (values) => values.fill(0),
    notes: [`Flat: the map is 0 everywhere, no evidence for 'cat'. ${TRY}`],
    evidence: "none",
  },
  {
    change: (values) => values.set(values.map((value) => -Math.abs(value))),
    notes: [
      "Against: no value of the map is above 0, nothing in it speaks for 'cup'. Draw it with the sign “signed” to see what speaks against.",
    ],
    evidence: "against",
  },
  { notes: ["On this model Blob-CAM points into the right object in 8 of 100 pictures; at 'stage2' in 23."] },
  {
    change: (values) => values.fill(Number.NaN),
    notes: [`No numbers: every value of the map is NaN or infinite. ${TRY}`],
    evidence: "none",
  },
  {
    change: (values) => values.fill(Number.NaN, 0, values.length / 4),
    notes: [`Gaps: a quarter of the map's values are NaN or infinite. ${TRY}`],
  },
];

const cautionOn = (method) => CAUTIONS[method] ?? CAUTIONS[CATALOGUE.find(({ id }) => id === method).sees];

export async function createKernel(options) {
  const {
    images,
    classes,
    layers: extra,
    step,
    fail,
    silent,
    flat,
    heads,
    labels,
    notes,
    cautions,
    evidence,
    costs,
    nearest,
    regions,
    traits,
  } = options;
  const names = classNames(classes);
  const known = layers(extra, flat, heads);
  const drawn = await Promise.all(Array.from({ length: Math.min(images, DRAWN) }, (_, i) => scene(i)));
  const scenes = Array.from({ length: images }, (_, i) => {
    const { picture, things } = drawn[i % DRAWN];
    return { things, picture: { ...picture, name: `scene-${i + 1}.jpg` } };
  });
  const recommended = flat ? null : "trunk/stage4/block2/relu";
  const inspection = {
    layers: known,
    recommended,
    why: flat
      ? "No layer of this model has a map: it flattens the picture at once."
      : "the last layer where the picture still has rows and columns: 8 × 8 cells, 256 channels.",
    attention_start: heads > 0 ? "trunk/stage4/block1/relu" : null,
    recommended_method: heads > 0 ? "gaze" : "blobs",
    why_method: heads > 0 ? "The head of the model reads no patches." : "",
    recommended_methods: heads > 0 ? { gaze: "The head of the model reads no patches." } : { blobs: "One pass." },
    cautions: cautions ? CAUTIONS : {},
    head: "sigmoid",
    classes,
    input_shape: [128, 128, 3],
    preprocessing: "preprocess: inside the model",
  };
  const probabilities = new Float32Array(images * classes);
  scenes.forEach(({ things }, i) => {
    const dice = random(i + 5);
    for (let c = 0; c < classes; c++) probabilities[i * classes + c] = (dice() ** 3 * 0.2) / Math.sqrt(classes / 10);
    things.forEach(({ name }, k) => {
      const c = names.indexOf(name);
      if (c >= 0) probabilities[i * classes + c] = (k === 0 ? 0.97 : 0.86) - 0.1 * dice();
    });
  });

  const best = scenes.map((_, i) => {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });

  const state = {
    layer: recommended ?? "",
    method: flat ? "saliency" : inspection.recommended_method,
    target: "top",
    params: {},
    compare: "none",
    compare_with: [],
    regions: {},
    sign: "positive",
    scale: "map",
    colormap: "viridis",
    opacity: 0.6,
    threshold: 0,
    selected: [0],
    // Every third is of the other thing in the scene, and every seventh is unknown.
    labels: labels ? best.map((c, i) => (i % 7 === 6 ? null : i % 3 === 2 ? (c + 1) % 3 : c)) : [],
    theme: "auto",
    ...traits,
    _images: scenes.map(({ picture }) => picture),
  };
  const handlers = new Map();
  const sent = [];
  const dirty = new Set();
  let gen = 0;

  const emit = (event, ...args) => {
    for (const handler of [...(handlers.get(event) ?? [])]) handler(...args);
  };
  const down = (message, buffers = []) => emit("msg:custom", structuredClone(message), buffers);
  const pause = () => new Promise((resolve) => setTimeout(resolve, step));

  function resolve(target, image) {
    if (typeof target === "number") return target;
    if (target.includes(" − ")) return -1;
    if (target === "true") return state.labels[image] ?? -1;
    const rank = /^top(?:-(\d+))?$/.exec(target);
    if (!rank) return names.indexOf(target);
    const row = Array.from(probabilities.subarray(image * classes, (image + 1) * classes));
    const order = row.map((_, c) => c).sort((a, b) => row[b] - row[a]);
    return order[Number(rank[1] ?? 1) - 1];
  }

  function questions() {
    const { compare, compare_with, layer, method, target } = state;
    const one = { layer, method, target };
    const key = { targets: "target", methods: "method", layers: "layer" }[compare];
    if (!key) return [one];
    const standard = {
      target: ["top", "top-2", "top-3"],
      method: CATALOGUE.slice(0, 3).map(({ id }) => id),
      layer: [3, 2, 1].map((stage) => `trunk/stage${stage + 1}/block2/relu`),
    }[key];
    const values = compare_with.length > 0 ? compare_with : [...new Set([one[key], ...standard])].slice(0, 3);
    return values.map((value) => ({ ...one, [key]: value }));
  }

  /** Why an image has nothing to explain. */
  function absence(target, image) {
    const sides = String(target).split(" − ");
    const [a, b] = sides.map((side) => resolve(side, image));
    if (a < 0 || b < 0) {
      return "No label: the true class of this image is not known, so there is nothing to explain. Give it a label, or explain another class.";
    }
    const [left, right] = sides.map((side) => ({ top: "predicted" })[side] ?? side);
    return a === b
      ? `Same class: ${left} and ${right} are the same class, '${names[a]}': there is no difference to explain.`
      : "";
  }

  const regionOf = (image) => state.regions[image] ?? state.regions.others ?? { kind: "wins", at: [] };

  /** The thing that lies nearest to a place in fractions. */
  const thingAt = (image, x, y) => {
    const distance = (thing) => Math.hypot(thing.x - x, thing.y - y) / thing.r;
    return scenes[image].things.reduce((best, thing) => (distance(thing) < distance(best) ? thing : best));
  };

  /** A region with its words, and the cells of an object. */
  function located(image) {
    const { kind, at } = regionOf(image);
    const { width, height } = scenes[image].picture;
    const words = { wins: "where it wins", whole: "in the whole output", mask: "in a mask" };
    const region = { kind, at, words: words[kind] ?? `at ${kind} (${at.join(", ")})`, size: [0, 0], cells: "" };
    if (kind !== "object") return region;
    const { x, y, r } = thingAt(image, at[0] / width, at[1] / height);
    const bytes = new Uint8Array((CELLS * CELLS) / 8);
    for (let i = 0; i < CELLS * CELLS; i++) {
      const [column, row] = [((i % CELLS) + 0.5) / CELLS, (Math.floor(i / CELLS) + 0.5) / CELLS];
      if (Math.hypot(column - x, row - y) < r) bytes[i >> 3] |= 128 >> (i & 7);
    }
    return { ...region, size: [CELLS, CELLS], cells: btoa(String.fromCharCode(...bytes)) };
  }

  /** The class that a target is of an image: the one that is best is that of what is pointed at. */
  function classOf(target, image) {
    const { kind, at } = regionOf(image);
    if (target !== "top" || (kind !== "pixel" && kind !== "object")) return resolve(target, image);
    const { width, height } = scenes[image].picture;
    return names.indexOf(thingAt(image, at[0] / width, at[1] / height).name);
  }

  /** Blobs on the things of the class, a dent on the others, ripples of the layer. */
  function mapOf(image, { layer, method, target }) {
    if (absence(target, image)) {
      const { values, ...rest } = mapOf(image, { layer, method, target: "top" });
      return { ...rest, values: values.fill(Number.NaN) };
    }
    if (resolve(target, image) < 0) {
      const [a, b] = target.split(" − ").map((one) => mapOf(image, { layer, method, target: one }));
      return { ...a, values: a.values.map((v, i) => v - b.values[i]) };
    }
    const { fine, signed } = CATALOGUE.find(({ id }) => id === method);
    const size = fine ? 128 : (known.find(({ path }) => path === layer)?.spatial?.[0] ?? 8);
    const wanted = names[classOf(target, image)];
    const dice = random(image * 31 + layer.length * 7 + classOf(target, image));
    const [a, b] = [dice() * 6, dice() * 6];
    const depth = size / 8;
    const sharp = method === "blobs2" ? (state.params.sharpness ?? 1) * 1.6 : 1;
    const values = new Float32Array(size * size);
    for (let i = 0; i < values.length; i++) {
      const x = ((i % size) + 0.5) / size;
      const y = (Math.floor(i / size) + 0.5) / size;
      let v = 0.05 * depth * Math.sin(a + x * 9 * depth) * Math.cos(b + y * 8 * depth);
      for (const thing of scenes[image].things) {
        const d = ((x - thing.x) ** 2 + (y - thing.y) ** 2) / thing.r ** 2;
        v += (thing.name === wanted ? 1 : -0.45) * Math.exp(-d * sharp) * (fine ? dice() * 2 - 0.6 : 1);
      }
      values[i] = (signed ? v : Math.abs(v)) * (2 + image);
    }
    return { values, size, signed };
  }

  function frame(question, column, done) {
    const items = [];
    const parts = [];
    let at = 0;
    for (let image = 0; image < images; image++) {
      const { values, size, signed } = mapOf(image, question);
      const { fine } = CATALOGUE.find(({ id }) => id === question.method);
      if (done < 1) values.fill(Number.NaN, Math.floor(done * size) * size);
      const absent = done === 1 && absence(question.target, image);
      const remark = absent ? { notes: [absent], evidence: "none" } : (notes && done === 1 && REMARKS[image]) || {};
      remark.change?.(values);
      const target = classOf(question.target, image);
      const sides = String(question.target)
        .split(" − ")
        .map((side) => resolve(side, image));
      const probability = target < 0 ? null : probabilities[image * classes + target];
      const isUnknown = sides.some((side) => side < 0);
      const contrast = isUnknown ? String(question.target) : sides.map((side) => names[side]).join(" − ");
      items.push({
        ...{
          image,
          column,
          layer: question.layer,
          method: question.method,
          target,
          target_name: target < 0 ? contrast : names[target],
        },
        ...{
          score: absent ? null : target < 0 ? 1.25 : 4 * probability,
          probability,
        },
        ...{
          shape: [size, size],
          dtype: "float32",
          scale: 1,
          offset: 0,
          signed,
          partial: done < 1,
          done,
          notes: [...(remark.notes ?? []), ...(cautions ? [cautionOn(question.method)].filter(Boolean) : [])],
          evidence: remark.evidence ?? "some",
          checks: fine ? { completeness_gap: 0.0125 * (image + 1) } : {},
          region: regions ? located(image) : null,
        },
        ...{ byte_offset: at, byte_length: values.byteLength },
      });
      parts.push(values);
      at += values.byteLength;
    }
    // An odd start, as some hosts deliver it.
    const bytes = new Uint8Array(at + 3);
    for (const [i, values] of parts.entries()) bytes.set(new Uint8Array(values.buffer), 3 + items[i].byte_offset);
    return { items, buffer: new DataView(bytes.buffer, 3, at) };
  }

  async function answer() {
    gen += 1;
    const mine = gen;
    const current = () => mine === gen;
    const started = performance.now();
    down({ kind: "queued", gen: mine });
    await pause();
    if (!current()) return;
    if (fail) {
      down({
        kind: "error",
        gen: mine,
        message: "The model's call raised ValueError: shapes (1, 7) and (8, 3) do not fit.",
        hint: "Call the model on one batch to see the same error.",
        traceback:
          'Traceback (most recent call last):\n  File "model.py", line 12, in call\n    return x @ self.kernel\nValueError: shapes (1, 7) and (8, 3) do not fit',
      });
      return;
    }
    const asked = questions();
    const columns = asked.map((one) => {
      const { title, signed } = CATALOGUE.find(({ id }) => id === one.method);
      return { ...one, method_title: title, signed };
    });
    const traits = Object.fromEntries(QUESTION.map((name) => [name, state[name]]));
    down({ kind: "running", gen: mine, key: JSON.stringify(traits), asked: traits, columns, held: false });
    const parts = asked.map((one) => (CATALOGUE.find(({ id }) => id === one.method).slow ? 8 : 1));
    const total = parts.reduce((sum, count) => sum + count, 0);
    let done = 0;
    for (const [column, question] of asked.entries()) {
      for (let part = 1; part <= parts[column]; part++) {
        await pause();
        if (!current()) return;
        done += 1;
        const { items, buffer } = frame(question, column, part / parts[column]);
        down({ kind: "maps", gen: mine, seq: done, items }, [buffer]);
        down({ kind: "progress", gen: mine, done, total, eta_s: ((total - done) * step) / 1000 });
      }
    }
    const seconds = (performance.now() - started) / 1000;
    down({ kind: "done", gen: mine, seconds, maps: images * columns.length });
    if (costs) {
      const refused = { gaze: "This model has no attention." };
      down({ kind: "costs", gen: mine, seconds: { slowblobs: 130, blobs: 0.01 }, refused, measuring: null });
    }
    if (nearest) down({ kind: "nearest", edition: "made up", layer: state.layer, items: alike() });
    if (!evidence) return;
    down({ kind: "costs", gen: mine, seconds: {}, refused: {}, measuring: 2 });
    const every = Array.from({ length: images * columns.length }, (_, i) => [
      Math.floor(i / columns.length),
      i % columns.length,
    ]);
    down({ kind: "evidence", gen: mine, items: every.map(([image, column]) => freeEvidence(image, column, "blur")) });
    down(rankings(mine, []));
    await measure([state.selected[0]], "blur", mine);
  }

  /** Of each image those that show the same things before the others, and those that are predicted right. */
  function alike() {
    const NEIGHBOURS = 8;
    const seen = (image) => scenes[image].things.map(({ name }) => name);
    return scenes.map((_, image) => {
      const similarity = (other) => {
        const shared = seen(other).filter((name) => seen(image).includes(name)).length;
        return 0.5 + 0.2 * shared - 0.01 * Math.abs(image - other);
      };
      const others = scenes.map((_, other) => other).filter((other) => other !== image);
      others.sort((a, b) => similarity(b) - similarity(a));
      const told = (numbers) =>
        numbers.slice(0, NEIGHBOURS).map((other) => ({ image: other, similarity: similarity(other) }));
      const right = others.filter((other) => state.labels[other] === best[other]);
      const why = images === 1 ? "There is one image here. Show more, and those most like it stand here." : "";
      return { image, nearest: told(others), right: told(right), why };
    });
  }

  /** The evidence of these images, column by column, until another question comes. */
  async function measure(numbers, cover, mine = gen) {
    for (const image of numbers) {
      for (const [column, question] of questions().entries()) {
        await pause();
        if (mine !== gen) return;
        const target = resolve(question.target, image);
        const probability = target < 0 ? null : probabilities[image * classes + target];
        const items = [wholeEvidence(image, column, cover, mapOf(image, question), probability)];
        down({ kind: "evidence", gen: mine, items });
      }
    }
  }

  /** The picture at a step of a curve, and the classes that are found in it. */
  async function cover(place) {
    const { gen: mine, image, column } = place;
    const data = await coveredPicture(scenes[image].picture, mapOf(image, questions()[column]), place);
    if (mine !== gen) return;
    const row = Array.from(probabilities.subarray(image * classes, (image + 1) * classes));
    const order = [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, 5);
    const share = place.step / STEPS;
    const left = place.curve === "deletion" ? 1 - share : share;
    down(
      {
        ...{ ...place, kind: "covered", share, width: SIDE, height: SIDE, problem: "" },
        classes: order.map((index) => ({ index, probability: row[index] * left, score: row[index] })),
      },
      [data],
    );
  }

  /** The picture with a part covered, or that part alone, and what becomes of its classes. */
  async function paint({ kind: _, ...question }) {
    const { gen: mine, images, column } = question;
    const [image] = images;
    const { data, share } = await paintedPicture(scenes[image].picture, question);
    if (mine !== gen) return;
    const left = question.keep ? share : 1 - share;
    const target = resolve(questions()[column].target, image);
    const records = images.map((each) => {
      const before = probabilities[each * classes + target];
      const winner = resolve("top", each);
      return { image: each, before, after: before * left, lost: 1 - left, best_before: winner, best_after: winner };
    });
    const row = Array.from(probabilities.subarray(image * classes, (image + 1) * classes));
    const changes = row.map((before, index) => ({ index, before, after: before * left }));
    down(
      {
        ...{ kind: "painted", gen: mine, view: question.view, serial: question.serial, column, value: "probability" },
        ...{ share, images: records, asked: records.length, has_probabilities: true, problem: "" },
        ...{ classes: images.length > 1 ? [] : changes, width: SIDE, height: SIDE },
      },
      [data],
    );
  }

  /** One map a layer, in two messages. */
  async function thumbnails({ gen: mine, image, column, have }) {
    const { method, target } = questions()[column];
    const key = JSON.stringify([method, target, image, state.params]);
    const { sees } = CATALOGUE.find(({ id }) => id === method);
    const candidates = known.filter(({ is_candidate, type }) =>
      sees === "attention" ? type === "AttentionHead" : is_candidate,
    );
    for (const part of [candidates.slice(0, 9), candidates.slice(9)].filter((one) => one.length > 0)) {
      await pause();
      if (mine !== gen || have === key) return;
      const maps = part.map(({ path }) => mapOf(image, { layer: path, method, target }));
      if (notes) maps[0].values.fill(0);
      const size = (of) => of.values.byteLength;
      const items = maps.map((map, i) => ({
        ...{ layer: part[i].path, shape: [map.size, map.size], dtype: "float32", scale: 1, offset: 0 },
        byte_length: size(map),
        byte_offset: maps.slice(0, i).reduce((sum, before) => sum + size(before), 0),
      }));
      const buffer = await new Blob(maps.map(({ values }) => values)).arrayBuffer();
      const { title, signed } = CATALOGUE.find(({ id }) => id === method);
      const about = { gen: mine, image, column, key, method_title: title, signed };
      down({ kind: "thumbnails", ...about, items }, [new DataView(buffer)]);
    }
  }

  function receive(message) {
    sent.push(message);
    if (silent) return;
    if (message.kind === "hello") {
      setTimeout(() => {
        down({
          ...{ kind: "welcome", version: 1, gen, catalogue: CATALOGUE, inspection, class_names: names },
          wrappers: WRAPPERS,
          arguments: ["model", "images", "class_names=class_names"],
          ...{ predicts: "probability", units: [], places: [] },
          columns: [],
          suspicions: null,
          regions: regions ? ["wins", "whole", "pixel", "box", "object", "mask"] : [],
          unmeasurable: null,
          models: [],
        });
        down({ kind: "predictions", model: "", shape: [images, classes], first: 0, best }, [
          new DataView(probabilities.slice().buffer),
        ]);
        answer();
      });
    } else if (message.kind === "want") {
      thumbnails(message);
    } else if (message.kind === "measure") {
      measure(message.images, message.cover);
    } else if (message.kind === "cover") {
      cover(message);
    } else if (message.kind === "paint") {
      paint(message);
    } else if (message.kind === "rank") {
      down(rankings(gen, [rankingRecord(questions()[message.column].target, message)]));
    } else if (message.kind === "cancel") {
      const mine = gen;
      gen += 1;
      down({ kind: "cancelled", gen: mine });
    }
  }

  return {
    sent,
    down,
    get: (name) => state[name],
    set(name, value) {
      if (state[name] === value) return;
      state[name] = value;
      dirty.add(name);
    },
    save_changes() {
      const changed = [...dirty];
      dirty.clear();
      for (const name of changed) emit(`change:${name}`);
      if (!silent && changed.some((name) => QUESTION.includes(name))) answer();
      else if (evidence && changed.includes("selected")) measure([state.selected[0]], "blur");
    },
    send: receive,
    on(event, handler) {
      handlers.set(event, [...(handlers.get(event) ?? []), handler]);
    },
    off(event, handler) {
      handlers.set(
        event,
        (handlers.get(event) ?? []).filter((other) => other !== handler),
      );
    },
    listeners: () => [...handlers.values()].flat().length,
  };
}
