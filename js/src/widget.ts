import { effect } from "@preact/signals";
import { h, render as renderInto } from "preact";
import { Stage } from "./canvas/stage";
import type { Model } from "./kernel/connection";
import { Actions } from "./state/actions";
import { AnswerCache } from "./state/answerCache";
import { Session } from "./state/session";
import { Store } from "./state/store";
import { css } from "./style";
import { App } from "./view/app";
import { dropStaleTrees } from "./view/staleTrees";
import { suits, watchTheme } from "./view/theme";
import { watchVisibility } from "./view/visibility";

/** The view's own element in a shadow root, which keeps its style apart from the page's. */
function attachRoot(el: HTMLElement) {
  const host = document.createElement("div");
  const shadow = host.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  const root = document.createElement("div");
  root.dataset.kxRoot = "";
  // JupyterLab and Notebook read single keys as commands unless the focused element carries this mark: seen from
  // outside the shadow root that is the host, from inside it is the control.
  host.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("focusin", ({ target }) => {
    (target as HTMLElement).dataset.lmSuppressShortcuts = "true";
  });
  shadow.append(style, root);
  el.append(host);
  return { host, root };
}

dropStaleTrees();

/** The anywidget entry, once a model: views share its answers; each has its own store, and frees all of it. */
export default (answers = new AnswerCache()) => ({
  initialize() {},
  render({ model, el }: { model: Model; el: HTMLElement }): () => void {
    const { host, root } = attachRoot(el);
    const store = new Store();
    const session = new Session(model, store, answers);
    const stage = new Stage(store);
    const applyTheme = () => {
      const theme = store.traits.theme.value;
      const dark = theme === "auto" ? store.dark.value : theme === "dark";
      root.dataset.theme = dark ? "dark" : "light";
      root.toggleAttribute("data-host-theme", theme === "auto");
      if (!suits(root, dark)) root.removeAttribute("data-host-theme");
    };
    const stops = [
      effect(applyTheme),
      watchTheme(host, (dark) => {
        store.dark.value = dark;
        // The host's colours may have come after the name of its theme.
        applyTheme();
      }),
      watchVisibility(host, (visible) => session.setVisible(visible)),
      effect(() => {
        root.dataset.status = store.status.value;
      }),
    ];
    renderInto(h(App, { store, actions: new Actions(store, session), stage }), root);
    return () => {
      renderInto(null, root);
      for (const stop of stops) stop();
      stage.close();
      session.close();
      host.remove();
    };
  },
});
