/** How near to sight counts as visible; `scrollMargin` is for notebooks that scroll within the page. */
const NEAR = { rootMargin: "800px", scrollMargin: "800px" };

/** Calls back when an element comes near sight or leaves it; it is taken to be visible at first. */
export function watchVisibility(el: Element, onChange: (visible: boolean) => void): () => void {
  let isNear = true;
  let reported = true;
  const report = (visible: boolean) => {
    if (visible !== reported) onChange(visible);
    reported = visible;
  };
  const update = () => report(isNear && !document.hidden);
  const observer = new IntersectionObserver((entries) => {
    isNear = entries[entries.length - 1].isIntersecting;
    update();
  }, NEAR);
  observer.observe(el);
  const listening = new AbortController();
  const { signal } = listening;
  document.addEventListener("visibilitychange", update, { signal });
  // A page that is left, or reloaded.
  window.addEventListener("pagehide", () => report(false), { signal });
  window.addEventListener("pageshow", update, { signal });
  return () => {
    observer.disconnect();
    listening.abort();
  };
}
