/** A document in memory: as much of it as components are drawn into, and the events that bubble in it. */

import { type ComponentChild, render } from "preact";
import { act } from "preact/test-utils";
import { vi } from "vitest";

interface Listener {
  handle: (event: object) => void;
  capture: boolean;
}

export class Node {
  parentNode: Node | null = null;
  readonly childNodes: Node[] = [];
  readonly ownerDocument = null;
  constructor(readonly nodeType: number) {}

  get firstChild() {
    return this.childNodes[0] ?? null;
  }
  get nextSibling(): Node | null {
    const siblings = this.parentNode?.childNodes ?? [];
    return siblings[siblings.indexOf(this) + 1] ?? null;
  }
  get isConnected(): boolean {
    return this.parentNode?.isConnected ?? false;
  }
  get textContent(): string {
    return this.childNodes.map((child) => child.textContent).join("");
  }
  insertBefore(child: Node, next: Node | null): Node {
    child.parentNode?.removeChild(child);
    child.parentNode = this;
    this.childNodes.splice(next ? this.childNodes.indexOf(next) : this.childNodes.length, 0, child);
    return child;
  }
  removeChild(child: Node) {
    this.childNodes.splice(this.childNodes.indexOf(child), 1);
    child.parentNode = null;
  }
  contains(other: Node | null): boolean {
    return other !== null && (other === this || this.contains(other.parentNode));
  }
}

class Text extends Node {
  constructor(public data: string) {
    super(3);
  }
  override get textContent() {
    return this.data;
  }
}

export class Element extends Node {
  readonly namespaceURI = "http://www.w3.org/1999/xhtml";
  readonly attributes = new Map<string, string>();
  readonly style = { setProperty: (name: string, value: string) => this.styles.set(name, value), cssText: "" };
  readonly styles = new Map<string, string>();
  /** What a user sees in a field, or has set it to. */
  value = "";
  checked = false;
  clientWidth = 200;
  clientHeight = 200;
  scrollTop = 0;
  private capturedPointer = -1;
  private readonly listeners = new Map<string, Listener[]>();

  constructor(readonly localName: string) {
    super(1);
  }
  setAttribute(name: string, value: unknown) {
    this.attributes.set(name, String(value));
  }
  removeAttribute(name: string) {
    this.attributes.delete(name);
  }
  attribute(name: string): string | undefined {
    return this.attributes.get(name);
  }
  get valueAsNumber() {
    return Number(this.value);
  }

  addEventListener(type: string, handle: Listener["handle"], options?: boolean | { capture?: boolean }) {
    const capture = typeof options === "object" ? options.capture === true : options === true;
    const listener = { handle, capture };
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
    (options as AddEventListenerOptions)?.signal?.addEventListener("abort", () =>
      this.removeEventListener(type, handle),
    );
  }
  removeEventListener(type: string, handle: Listener["handle"]) {
    const others = (this.listeners.get(type) ?? []).filter((listener) => listener.handle !== handle);
    this.listeners.set(type, others);
  }

  /** What happens to this element, and then to those that it lies in; true unless its default is prevented. */
  fire(type: string, fields: object = {}): boolean {
    let isStopped = false;
    let prevented = false;
    const path: Element[] = [];
    for (let node: Node | null = this; node; node = node.parentNode) path.push(node as Element);
    const event = {
      ...{ type, target: this as Element, currentTarget: this as Element, relatedTarget: null },
      ...{ ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, defaultPrevented: false },
      ...fields,
      composedPath: () => path,
      stopPropagation: () => {
        isStopped = true;
      },
      preventDefault: () => {
        prevented = true;
        event.defaultPrevented = true;
      },
    };
    act(() => {
      for (const element of path) {
        event.currentTarget = element;
        for (const { handle } of element.listeners.get(type) ?? []) handle.call(element, event);
        if (isStopped) break;
      }
    });
    return !prevented;
  }

  focus() {
    if (focused === this) return;
    const before = focused;
    focused = this;
    before?.fire("focusout", { relatedTarget: this });
    this.fire("focus");
  }
  matches = (selector: string) => selector === ":focus" && focused === this;
  /** By a tag, or by `[name=value]`. */
  querySelectorAll(selector: string): Element[] {
    const [, name, value] = /^\[([\w-]+)="?(\w+)"?\]$/.exec(selector) ?? [];
    return descendants(this).filter((each) => (name ? each.attribute(name) === value : each.localName === selector));
  }
  querySelector = (selector: string) => this.querySelectorAll(selector)[0] ?? null;
  closest = () => null;
  getBoundingClientRect = () => ({ x: 0, y: 0, left: 0, top: 0, right: 200, bottom: 200, width: 200, height: 200 });
  showPopover() {
    this.setAttribute("data-shown", "");
  }
  hidePopover() {
    this.removeAttribute("data-shown");
  }
  getContext = () => null;
  getRootNode = () => ({
    elementFromPoint: (x: number, y: number) => (Math.min(x, y) >= 0 && Math.max(x, y) < 200 ? this : null),
  });
  setPointerCapture(id: number) {
    this.capturedPointer = id;
  }
  hasPointerCapture = (id: number) => id === this.capturedPointer;
  select() {}
  setSelectionRange() {}
}

let focused: Element | null = null;

// Components name events as properties of elements; others are taken to be of their own making.
for (const type of `blur change click dblclick focus input keydown mouseup paste pointerdown pointerenter pointerleave
  pointermove lostpointercapture scroll toggle compositionstart`.split(/\s+/)) {
  Object.assign(Element.prototype, { [`on${type}`]: null });
}

class Body extends Element {
  override get isConnected() {
    return true;
  }
}

const descendants = (element: Element): Element[] =>
  element.childNodes.flatMap((child) => (child instanceof Element ? [child, ...descendants(child)] : []));

const ROLES: Readonly<Record<string, string>> = {
  ...{ button: "button", select: "combobox", option: "option", ul: "list", ol: "list", li: "listitem", p: "paragraph" },
  ...{ h3: "heading", h4: "heading", section: "region", canvas: "img", input: "textbox", dt: "term", dd: "definition" },
};
const TYPES: Readonly<Record<string, string>> = { range: "slider", checkbox: "checkbox" };
const roleOf = (element: Element) =>
  element.attribute("role") ?? TYPES[element.attribute("type") ?? ""] ?? ROLES[element.localName] ?? "";

/** What is seen of a component, found as by those who use it. */
export class Screen {
  readonly body = new Body("body");

  constructor(component: () => ComponentChild) {
    vi.stubGlobal("document", {
      createElementNS: (_: string, name: string) => new Element(name),
      createTextNode: (text: string) => new Text(text),
    });
    vi.stubGlobal("Node", Node);
    vi.stubGlobal("requestAnimationFrame", () => 0);
    vi.stubGlobal("cancelAnimationFrame", () => {});
    vi.stubGlobal("addEventListener", this.body.addEventListener.bind(this.body));
    for (const size of ["innerWidth", "innerHeight"]) vi.stubGlobal(size, 800);
    vi.stubGlobal("devicePixelRatio", 1);
    vi.stubGlobal("WheelEvent", { DOM_DELTA_LINE: 1 });
    vi.stubGlobal(
      "ResizeObserver",
      class {
        observe() {}
        disconnect() {}
      },
    );
    const Root = component;
    act(() => render(<Root />, this.body as never));
  }

  private nameOf(element: Element): string {
    const label = descendants(this.body).find((each) => {
      return each.localName === "label" && each.attribute("for") === (element.attribute("id") ?? "-");
    });
    return (element.attribute("aria-label") ?? label?.textContent ?? element.textContent).trim();
  }

  all(role: string, name?: string | RegExp): Element[] {
    return descendants(this.body).filter((element) => {
      if (roleOf(element) !== role) return false;
      const text = this.nameOf(element);
      return name === undefined || (typeof name === "string" ? text === name : name.test(text));
    });
  }

  one(role: string, name?: string | RegExp): Element {
    const elements = this.all(role, name);
    if (elements.length !== 1) throw new Error(`${elements.length} elements are a ${role} "${name}".`);
    return elements[0];
  }

  get text() {
    return this.body.textContent;
  }

  close() {
    act(() => render(null, this.body as never));
    focused = null;
    vi.unstubAllGlobals();
  }
}
