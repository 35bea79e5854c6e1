/** What `make bench` does to the gallery: each function changes something and says how long it took. */

const root = () => document.querySelector(".view > div")?.shadowRoot;
const nextFrame = () => new Promise(requestAnimationFrame);
/** After the page has been drawn. */
const drawn = async () => {
  await nextFrame();
  await new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
};

const button = (text) =>
  [...root().querySelectorAll("button")].find((one) => (one.ariaLabel ?? one.textContent) === text);

function field(label) {
  const fields = [...root().querySelectorAll("input, select")];
  return fields.find((one) => one.labels?.[0]?.textContent === label || one.ariaLabel === label);
}

/** Opens the popup of how maps are drawn. */
export async function display() {
  button("Display").click();
  await drawn();
}

function set(input, value) {
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

export const nothing = () => drawn();

/** The i-th value of a control: a slider goes back and forth, a select goes round. */
export function turn(label, i) {
  const control = field(label);
  if (control.type === "range") {
    set(control, String(0.2 + (0.6 * ((i * 7) % 20)) / 20));
  } else {
    if (control.options.length < 2) throw new Error(`There is nothing to choose for ${label}.`);
    control.selectedIndex = i % control.options.length;
    control.dispatchEvent(new Event("change", { bubbles: true }));
  }
  return drawn();
}

/** Tiles as large as the figures are asked for, on a screen with one pixel a pixel. */
export async function tiles(side) {
  button("Close the panel").click();
  set(field("Size"), String(side));
  for (let i = 0; i < 10; i++) await drawn();
  const canvases = [...root().querySelectorAll("[data-kx-tile] canvas")];
  return canvases.filter(({ width, height }) => width === side && height === side).length;
}

/** Milliseconds between frames, something changing in each of them. */
async function frames(count, change) {
  const times = [];
  let last = await nextFrame();
  for (let i = 0; i < count; i++) {
    change(i);
    const now = await nextFrame();
    times.push(now - last);
    last = now;
  }
  return times;
}

/** Lets all images be zoomed together. */
export async function link() {
  const control = field("Crosshair and zoom");
  control.selectedIndex = 1;
  control.dispatchEvent(new Event("change", { bubbles: true }));
  await drawn();
}

export const still = (count) => frames(count, () => {});
export const turning = (label, count) => frames(count, (i) => void turn(label, i));

export function zooming(count) {
  const canvas = root().querySelector("[data-kx-tile] canvas");
  const { x, y } = canvas.getBoundingClientRect();
  return frames(count, (i) => {
    const place = { clientX: x + 60 + 3 * (i % 40), clientY: y + 100, bubbles: true, cancelable: true };
    const deltaY = i % 40 < 20 ? -40 : 40;
    canvas.dispatchEvent(new WheelEvent("wheel", { ...place, deltaY, ctrlKey: true }));
  });
}

export async function panning(count) {
  const canvas = root().querySelector("[data-kx-tile] canvas");
  const { x, y } = canvas.getBoundingClientRect();
  const point = (type, at) =>
    canvas.dispatchEvent(
      new PointerEvent(type, { ...{ pointerId: 1, bubbles: true }, clientX: x + at, clientY: y + at }),
    );
  // A pointer that no device has cannot be captured.
  canvas.setPointerCapture = () => {};
  canvas.dispatchEvent(new MouseEvent("dblclick", { clientX: x + 100, clientY: y + 100, bubbles: true }));
  point("pointerdown", 100);
  const times = await frames(count, (i) => point("pointermove", 100 + 40 * Math.sin(i / 8)));
  point("pointerup", 100);
  return times;
}

export function scrolling(count) {
  const sheet = root().querySelector(".sheet");
  return frames(count, () => sheet.scrollBy({ top: 90, behavior: "instant" }));
}

/** From a keystroke until the list of that role is drawn anew; each text must find something else. */
export async function typing(label, role, texts) {
  const input = field(label);
  input.focus();
  const list = () => [...root().querySelectorAll(`[role=${role}]`)].map(({ textContent }) => textContent).join();
  const times = [];
  for (const text of texts) {
    const before = list();
    const start = performance.now();
    set(input, text);
    for (let i = 0; list() === before; i++) {
      if (i > 100) throw new Error(`The list for "${text}" is the one before.`);
      await drawn();
    }
    times.push(performance.now() - start);
  }
  return times;
}

/** When all tiles in sight show their maps. */
export async function complete() {
  const pending = () => {
    const view = root()?.querySelector("[data-kx-root]");
    if (view?.dataset.status !== "done") return true;
    const tiles = [...view.querySelectorAll("[data-kx-tile] canvas")];
    const sheet = view.querySelector(".sheet").getBoundingClientRect();
    const end = Math.min(sheet.bottom, window.innerHeight);
    const seen = tiles.filter((canvas) => canvas.getBoundingClientRect().top < end);
    return seen.length === 0 || seen.some(({ width }) => width === 0);
  };
  while (pending()) await nextFrame();
  await drawn();
  return performance.now();
}
