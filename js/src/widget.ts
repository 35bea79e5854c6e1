import { effect } from "@preact/signals";
import { h, render as renderInto } from "preact";
import { createActions } from "./actions";
import { createStage } from "./canvas/stage";
import { type Model, openSession } from "./session";
import { createStore } from "./store";
import { css } from "./style";
import { watchTheme } from "./theme";
import { App } from "./view/app";

/** The anywidget entry: every view has its own store, and its cleanup frees all of it. */
export default () => ({
  initialize() {},
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const host = document.createElement("div");
    // Outside the shadow root a key's target is the host, so JupyterLab looks for the mark there.
    host.dataset.lmSuppressShortcuts = "true";
    const shadow = host.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = css;
    const root = document.createElement("div");
    root.dataset.kxRoot = "";
    shadow.append(style, root);
    el.append(host);

    const store = createStore();
    const session = openSession(model, store);
    const actions = createActions(store, session);
    const stage = createStage(store);
    const stopWatching = watchTheme(host, (dark) => {
      store.dark.value = dark;
    });
    const stopMarking = effect(() => {
      const theme = store.traits.theme.value;
      root.dataset.status = store.status.value;
      root.dataset.theme = theme === "auto" ? (store.dark.value ? "dark" : "light") : theme;
      root.toggleAttribute("data-host-theme", theme === "auto");
    });
    renderInto(h(App, { store, actions, stage }), root);

    return () => {
      renderInto(null, root);
      stopMarking();
      stopWatching();
      stage.close();
      session.close();
      host.remove();
    };
  },
});
