// Saved pages of the widget follow the colours of the site, and fill their frames.
(() => {
  const frames = document.querySelectorAll("iframe.kx");
  const addresses = [...frames].map((frame) => frame.getAttribute("src").split("#")[0]);
  const follow = () => {
    const theme = document.body.dataset.mdColorScheme === "slate" ? "dark" : "light";
    frames.forEach((frame, i) => frame.setAttribute("src", `${addresses[i]}#theme=${theme}&height=fill`));
  };
  if (!frames.length) return;
  follow();
  new MutationObserver(follow).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
})();

// What the theme leaves unnamed, and tables that keys could not scroll.
addEventListener("load", () => {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const wrap of document.querySelectorAll(".md-typeset__scrollwrap")) {
    if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
  }
});
