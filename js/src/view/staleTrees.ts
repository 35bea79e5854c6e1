/**
 * Preact keeps the vnode that a parent was given as a child, with all it once drew, when the component of that vnode
 * draws itself again (its issue 4909). Parts that are skipped in turn link such trees into a chain, which grows with
 * every drawing. This cuts the chain where a component leaves a vnode behind.
 */

import { options, type VNode } from "preact";

/** Preact's own names, which its builds keep for hooks such as those of signals. */
interface Internal extends VNode {
  __k?: unknown;
  __c?: object | null;
}

interface Hooks {
  diffed?(vnode: VNode): void;
  /** Once everything of a drawing is in the document. */
  __c?(vnode: VNode, queue: unknown[]): void;
}

export function dropStaleTrees(): void {
  const hooks = options as Hooks;
  const { diffed, __c: committed } = hooks;
  const latest = new WeakMap<object, Internal>();
  let stale: Internal[] = [];
  hooks.diffed = (vnode: Internal) => {
    const component = vnode.__c;
    const before = component && latest.get(component);
    if (before && before !== vnode) stale.push(before);
    if (component) latest.set(component, vnode);
    diffed?.(vnode);
  };
  hooks.__c = (vnode, queue) => {
    for (const before of stale) before.__k = null;
    stale = [];
    committed?.(vnode, queue);
  };
}
