import { effect } from "@preact/signals";
import { h, render as renderInto } from "preact";
import { createActions } from "./actions";
import { createAnswers } from "./answers";
import { createStage } from "./canvas/stage";
import type { Model } from "./line";
import { openSession } from "./session";
import { watchSight } from "./sight";
import { createStore } from "./store";
import { css } from "./style";
import { suits, watchTheme } from "./theme";
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
    const dress = () => {
      const theme = store.traits.theme.value;
      const dark = theme === "auto" ? store.dark.value : theme === "dark";
      root.dataset.theme = dark ? "dark" : "light";
      root.toggleAttribute("data-host-theme", theme === "auto");
      if (!suits(root, dark)) root.removeAttribute("data-host-theme");
    };
    const stopDressing = effect(dress);
    const stopWatching = watchTheme(host, (dark) => {
      store.dark.value = dark;
      // The host's colours may have come after the name of its theme.
      dress();
    });
    const stopLooking = watchSight(host, session.seen);
    const stopMarking = effect(() => {
      root.dataset.status = store.status.value;
    });
    renderInto(h(App, { store, actions, stage }), root);

    return () => {
      renderInto(null, root);
      stopMarking();
      stopDressing();
      stopWatching();
      stopLooking();
      stage.close();
      session.close();
      host.remove();
    };
  },
});
