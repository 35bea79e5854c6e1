import { effect } from "@preact/signals";
import { h, render as renderInto } from "preact";
import { createActions } from "./actions";
import { createAnswers } from "./answers";
import { createStage } from "./canvas/stage";
import { type Model, openSession } from "./session";
import { watchSight } from "./sight";
import { createStore } from "./store";
import { css } from "./style";
import { watchTheme } from "./theme";
import { App } from "./view/app";

/** The anywidget entry, once a model: views share its answers; each has its own store, and frees all of it. */
export default (answers = createAnswers()) => ({
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
    const session = openSession(model, store, answers);
    const actions = createActions(store, session);
    const stage = createStage(store);
    const stopWatching = watchTheme(host, (dark) => {
      store.dark.value = dark;
    });
    const stopLooking = watchSight(host, session.seen);
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
      stopLooking();
      stage.close();
      session.close();
      host.remove();
    };
  },
});
