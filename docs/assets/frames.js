// Saved pages of the widget within pages of the site: they come when they are wanted, and follow the site's colours.

/** The address of a saved page that shows it as the site is now, with what is chosen, such as a method. */
function addressOf(page, chosen) {
  const theme = document.body.dataset.mdColorScheme === "slate" ? "dark" : "light";
  return new URL(`#${new URLSearchParams({ theme, ...chosen })}`, new URL(page, location.href)).href;
}

/** Shows a page in its place, or lets the one that is shown there follow what is chosen. */
function show(place, chosen = {}) {
  const address = addressOf(place.dataset.page, { height: "fill", ...chosen });
  const shown = place.querySelector("iframe");
  if (shown) return void shown.contentWindow.location.replace(address);
  const frame = document.createElement("iframe");
  frame.className = "kx";
  frame.title = place.dataset.title;
  frame.src = address;
  // The picture stays until there is something else to see.
  frame.addEventListener("load", () => place.querySelector("a")?.remove());
  place.append(frame);
}

for (const place of document.querySelectorAll(".kx-live[data-open]")) show(place);

document.addEventListener("click", (event) => {
  const link = event.target.closest("a.kx-open");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const address = new URL(link.href);
  const places = [...document.querySelectorAll(".kx-live")];
  const place = places.find(({ dataset }) => new URL(dataset.page, location.href).pathname === address.pathname);
  if (!place) return;
  event.preventDefault();
  show(place, Object.fromEntries(new URLSearchParams(address.hash.slice(1))));
  place.scrollIntoView({ block: "nearest" });
});

// What a reader has chosen meanwhile stays: only colours are told, and that a page fills its frame.
new MutationObserver(() => {
  for (const place of document.querySelectorAll(".kx-live:has(iframe)")) show(place);
}).observe(document.body, { attributeFilter: ["data-md-color-scheme"] });
