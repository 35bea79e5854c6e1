function luminance(color: string): number | null {
  const parts = color.match(/[\d.]+/g)?.map(Number);
  if (!parts || parts.length < 3 || parts[3] === 0) return null;
  return (0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2]) / 255;
}

/** Whether the page around an element is dark: what the host says, else what its background shows. */
function isDark(el: Element): boolean {
  const { body, documentElement: html } = document;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "false";
  const kind = body.dataset.vscodeThemeKind ?? "";
  if (kind) return !kind.endsWith("light");
  if (body.classList.contains("vscode-dark")) return true;
  if (body.classList.contains("vscode-light")) return false;
  const named = html.getAttribute("theme") ?? html.dataset.theme ?? body.dataset.theme;
  if (named === "dark" || named === "light") return named === "dark";
  if (html.classList.contains("dark") || body.classList.contains("dark")) return true;
  for (let at: Element | null = el; at; at = at.parentElement) {
    const light = luminance(getComputedStyle(at).backgroundColor);
    if (light !== null) return light < 0.5;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Whether an element's text is light on dark, or dark on light: some libraries bring colours that know no theme. */
export function suits(el: Element, dark: boolean): boolean {
  const light = luminance(getComputedStyle(el).color);
  return light === null || light > 0.5 === dark;
}

/** Calls back now and whenever the page's theme may have changed; returns what stops it. */
export function watchTheme(el: Element, changed: (dark: boolean) => void): () => void {
  const update = () => changed(isDark(el));
  const observer = new MutationObserver(update);
  for (const node of [document.documentElement, document.body]) observer.observe(node, { attributes: true });
  const preference = matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", update);
  update();
  return () => {
    observer.disconnect();
    preference.removeEventListener("change", update);
  };
}
