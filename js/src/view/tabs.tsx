import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

export interface TabText {
  id: string;
  label: string;
  title: string;
}

interface TabsProps {
  tabs: readonly TabText[];
  chosen: Signal<string>;
  label: string;
  /** What the chosen tab shows. */
  children: ComponentChildren;
}

/** Keys that go to the next or the previous tab. */
const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

export function Tabs({ tabs, chosen, label, children }: TabsProps) {
  const choose = (id: string) => {
    chosen.value = id;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = STEPS[event.key];
    if (!step) return;
    const place = tabs.findIndex(({ id }) => id === chosen.value);
    const { id } = tabs[(place + step + tabs.length) % tabs.length];
    choose(id);
    const list = event.currentTarget as HTMLElement;
    list.querySelector<HTMLElement>(`[data-tab="${id}"]`)?.focus();
    event.preventDefault();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`kx-tab-${tab.id}`}
            data-tab={tab.id}
            title={tab.title}
            aria-selected={tab.id === chosen.value}
            aria-controls="kx-tabpanel"
            tabIndex={tab.id === chosen.value ? 0 : -1}
            // A click needs the release to be here too, but what comes above may move the tab away before it.
            onPointerDown={(event) => event.pointerType === "mouse" && event.button === 0 && choose(tab.id)}
            onClick={() => choose(tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="kx-tabpanel" aria-labelledby={`kx-tab-${chosen.value}`}>
        {children}
      </div>
    </div>
  );
}
