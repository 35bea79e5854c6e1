/** What is so near is about to be scrolled into sight; `scrollMargin` is for notebooks that scroll within the page. */
const NEAR = { rootMargin: "800px", scrollMargin: "800px" };

/** Tells when an element comes near sight or goes out of it; it is taken to be in sight at first. */
export function watchSight(el: Element, tell: (visible: boolean) => void): () => void {
  let inside = true;
  let told = true;
  const look = () => {
    const visible = inside && !document.hidden;
    if (visible === told) return;
    told = visible;
    tell(visible);
  };
  const observer = new IntersectionObserver((entries) => {
    inside = entries[entries.length - 1].isIntersecting;
    look();
  }, NEAR);
  observer.observe(el);
  // A page that is left or loaded anew.
  const leave = () => {
    if (told) tell(false);
    told = false;
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", look);
  return () => {
    observer.disconnect();
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("pageshow", look);
    document.removeEventListener("visibilitychange", look);
  };
}
