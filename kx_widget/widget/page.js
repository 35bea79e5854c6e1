
// A host for the widget above: it holds the state and never answers.
const state = JSON.parse(document.getElementById("state").textContent, (_, value) =>
  typeof value?.base64 === "string" ? Uint8Array.from(atob(value.base64), (c) => c.charCodeAt(0)) : value,
);
const model = {
  get: (name) => state[name],
  set: (name, value) => {
    state[name] = value;
  },
  save_changes() {},
  send() {},
  on() {},
  off() {},
};
widget().render({ model, el: document.getElementById("view") });
