
// A host for the widget above: it holds the state and never answers. Traits of text can be chosen in the address, as in
// view.html#theme=dark&method=rise, also later by a page that shows this one in a frame; height=fill fills the window.
const state = JSON.parse(document.getElementById("state").textContent, (_, value) =>
  typeof value?.base64 === "string" ? Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)) : value,
);
const observers = {};
const assign = (name, value) => {
  if (state[name] === value) return;
  state[name] = value;
  for (const observer of observers[`change:${name}`] ?? []) observer();
};
const follow = () => {
  const chosen = new URLSearchParams(location.hash.slice(1));
  const root = document.documentElement;
  for (const [name, value] of chosen) if (name[0] !== "_" && typeof state[name] === "string") assign(name, value);
  if (chosen.has("theme")) root.dataset.theme = state.theme;
  root.toggleAttribute("data-fills", chosen.get("height") === "fill");
  if ("fills" in root.dataset) assign("height", innerHeight);
};
const model = {
  get: (name) => state[name],
  set: (name, value) => {
    state[name] = value;
  },
  save_changes() {},
  send() {},
  on(event, observer) {
    (observers[event] ??= []).push(observer);
  },
  off() {},
};
widget().render({ model, el: document.getElementById("view") });
// What changes after the view is there is chosen by somebody, and goes before the rest of what was saved.
follow();
addEventListener("hashchange", follow);
addEventListener("resize", follow);
