/** What notebook hosts tell a page of their themes: the colours that they set, and how they name the theme. */

const JUPYTER_LIGHT = { "--jp-layout-color1": "white", "--jp-ui-font-color1": "rgba(0, 0, 0, 0.87)" };
const JUPYTER_DARK = { "--jp-layout-color1": "#212121", "--jp-ui-font-color1": "rgba(255, 255, 255, 0.87)" };

const vscode = (kind, background, foreground, border) => ({
  body: { class: kind, "data-vscode-theme-kind": kind },
  colours: {
    // The library that draws ipywidgets there brings Jupyter's light ones, whatever the theme.
    ...JUPYTER_LIGHT,
    "--vscode-editor-background": background,
    "--vscode-editor-foreground": foreground,
    ...(border ? { "--vscode-contrastBorder": border } : {}),
  },
  page: background,
});

const colab = (theme, background, foreground) => ({
  html: { theme },
  colours: {
    // As in VS Code.
    ...JUPYTER_LIGHT,
    "--colab-primary-surface-color": background,
    "--colab-primary-text-color": foreground,
  },
  page: background,
});

export const HOSTS = {
  light: { page: "#fff" },
  dark: { body: { class: "dark" }, page: "#14171d" },
  "jupyter-light": { body: { "data-jp-theme-light": "true" }, colours: JUPYTER_LIGHT, page: "white" },
  "jupyter-dark": { body: { "data-jp-theme-light": "false" }, colours: JUPYTER_DARK, page: "#111" },
  "vscode-light": vscode("vscode-light", "#ffffff", "#3b3b3b"),
  "vscode-dark": vscode("vscode-dark", "#1f1f1f", "#cccccc"),
  "vscode-high-contrast": vscode("vscode-high-contrast", "#000000", "#ffffff", "#6fc3df"),
  "vscode-high-contrast-light": vscode("vscode-high-contrast-light", "#ffffff", "#292929", "#0f4a85"),
  "colab-light": colab("light", "#ffffff", "#1f1f1f"),
  "colab-dark": colab("dark", "#383838", "#e3e3e3"),
  // A dark page that says so, but has the light colours of a library that knows no theme.
  mixed: { body: { class: "dark" }, colours: JUPYTER_LIGHT, page: "#222" },
};

/** Dress the page as a host does. */
export function wear(name) {
  const { html = {}, body = {}, colours = {}, page } = HOSTS[name];
  for (const [element, attributes] of [
    [document.documentElement, { lang: "en", ...html }],
    [document.body, body],
  ]) {
    for (const old of element.getAttributeNames()) element.removeAttribute(old);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  }
  for (const [key, value] of Object.entries(colours)) document.documentElement.style.setProperty(key, value);
  document.body.style.background = page;
}
