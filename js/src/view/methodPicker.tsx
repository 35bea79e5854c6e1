import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { overlayFor, showsConcepts } from "../state/concepts";
import { cautionOf } from "../state/labels";
import { CONCEPTS, type MethodOption, methodOptions, searchMethods, shownMethod } from "../state/methodOptions";
import type { Store } from "../state/store";
import { Combobox, type ComboboxState } from "./combobox";
import { addsColumn } from "./compare";
import { Field } from "./field";
import type { ViewProps } from "./props";
import { setTo } from "./setTo";

/** Pixels of the list, where there is room for them. */
const WIDTH = 560;

/** A field to search methods in, and their list by the question that they answer. */
export function MethodPicker({ store, actions }: ViewProps) {
  const options = useComputed(() => methodOptions(store)).value;
  const chosen = shownMethod(store);
  const method = chosen?.id ?? store.traits.method.value;
  const { summary, good_for, fails, reference } = chosen ?? {};
  const about = [summary, good_for && `Good for: ${good_for}`, fails && `Fails: ${fails}`, reference];
  return (
    <Field
      id="kx-method"
      label="Method"
      class={addsColumn(store, "methods") ? "field method adds" : "field method"}
      title={about.filter(Boolean).join("\n")}
    >
      <Combobox
        id="kx-method"
        value={chosen?.title ?? method}
        selected={method}
        options={options}
        placeholder={`search ${new Set(options.map(({ method }) => method.id)).size} methods…`}
        disabled={options.length === 0}
        find={searchMethods}
        least={WIDTH}
        list={(state) => <MethodList store={store} state={state} />}
        onChoose={(key) => {
          const option = options.find((each) => each.key === key);
          if (!option) return;
          const isConcepts = option.method === CONCEPTS;
          if (isConcepts !== showsConcepts(store)) actions.commit({ overlay: overlayFor(store) });
          if (!isConcepts) actions.chooseMethod(option.method.id);
        }}
      />
    </Field>
  );
}

interface MethodListProps {
  store: Store;
  state: ComboboxState<MethodOption>;
}

function MethodList({ store, state }: MethodListProps) {
  const { isOpen, shown, at } = state;
  const box = useRef<HTMLDivElement>(null);
  const hovered = useSignal("");
  useEffect(() => {
    // What the page is scrolled to stays: only the list moves.
    const [list, row] = [box.current, box.current?.querySelector<HTMLElement>("[data-active]")];
    if (!list || !row) return;
    const top = row.offsetTop - list.offsetTop;
    const least = top + row.offsetHeight - list.clientHeight;
    // The first row brings its heading with it.
    if (at === 0) list.scrollTop = 0;
    else list.scrollTop = Math.max(Math.min(list.scrollTop, top - row.offsetHeight), least);
  }, [isOpen, at, shown]);
  const headings = [...new Set(shown.map(({ heading }) => heading))];
  const pointed = shown.find(({ key }) => key === hovered.value) ?? shown[at];
  return (
    <>
      <div
        class="options methods"
        role="listbox"
        id="kx-method-list"
        aria-label="Methods"
        ref={box}
        onPointerDown={(event) => event.preventDefault()}
        onPointerLeave={setTo(hovered, "")}
      >
        {isOpen &&
          headings.map((heading) => (
            <MethodGroup key={heading} heading={heading} store={store} state={state} onPoint={hovered} />
          ))}
      </div>
      {isOpen && pointed && <AboutMethod store={store} option={pointed} />}
    </>
  );
}

interface MethodGroupProps extends MethodListProps {
  heading: string;
  /** Takes the key of the option that is pointed at. */
  onPoint: Signal<string>;
}

function MethodGroup({ heading, store, state: { shown, at, choose }, onPoint }: MethodGroupProps) {
  const id = useId();
  const selected = shownMethod(store)?.id;
  return (
    <div role="group" aria-labelledby={heading ? id : undefined}>
      {heading && (
        <div class="heading" role="presentation" id={id}>
          {heading}
        </div>
      )}
      {shown.map(
        (option, index) =>
          option.heading === heading && (
            <div
              key={option.key}
              id={`kx-method-${index}`}
              class="option"
              role="option"
              aria-description={[option.figure, option.resolution, option.note].filter(Boolean).join(", ")}
              aria-selected={option.method.id === selected}
              aria-disabled={option.objection ? true : undefined}
              data-active={index === at || undefined}
              onClick={() => choose(option)}
              onPointerEnter={setTo(onPoint, option.key)}
            >
              <span class="text">{option.text}</span>
              <span class="figure" aria-hidden="true">
                {option.figure}
              </span>
              <span class="note" aria-hidden="true">
                {option.note}
              </span>
              <span class="grain" aria-hidden="true">
                {option.resolution}
              </span>
            </div>
          ),
      )}
    </div>
  );
}

/** What the method pointed at is good for, how it misleads, and whose it is. */
function AboutMethod({ store, option }: { store: Store; option: MethodOption }) {
  const { method, why, objection } = option;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["Not here", objection],
    ["Why", why],
    ["Good for", method.good_for],
    ["Fails", method.fails],
    ["Here", cautionOf(store, method.id)],
    ["Source", method.reference],
  ];
  return (
    <dl class="about-method">
      {facts.map(
        ([name, text]) =>
          text && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
