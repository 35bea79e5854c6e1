import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { usePopup } from "./usePopup";
import { useVirtualList } from "./useVirtualList";

export interface Option {
  key: string;
  text: string;
  /** Shown beside the text, but not part of the option's name. */
  note?: string;
  /** Shown at the right. */
  figure?: string;
  /** Why it cannot be chosen. */
  objection?: string;
}

interface ComboboxProps<Item extends Option> {
  id: string;
  /** What the field shows while it is not searched in. */
  value: string;
  selected: string;
  options: readonly Item[];
  placeholder: string;
  /** What the options are where they are not all there could be. */
  among?: string;
  disabled?: boolean;
  /** The option that a text means which is not part of its name. */
  read?(text: string): Item | undefined;
  /** The options for what is typed, the best first; those whose text holds it where nothing is given. */
  find?(options: readonly Item[], query: string): readonly Item[];
  /** Pixels that the list is wide at least. */
  least?: number;
  /** What draws the list of options, if not one line each. */
  list?(state: ComboboxState<Item>): ComponentChildren;
  onChoose(key: string): void;
}

const ROW_HEIGHT = 30;
const PAGE = 8;

/** Options whose text holds every word of the query; those that begin with it come first. */
export function search<Item extends Option>(options: readonly Item[], query: string): readonly Item[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return options;
  const matches = options.filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
  const begins = ({ text }: Item) => text.toLowerCase().startsWith(words[0]);
  return [...matches.filter(begins), ...matches.filter((option) => !begins(option))];
}

/** The options for what is typed, that which it means first. */
function matching<Item extends Option>(props: ComboboxProps<Item>, typed: string | null): readonly Item[] {
  const { options, read, find = search } = props;
  const meant = typed ? read?.(typed) : undefined;
  const matches = find(options, typed ?? "");
  return meant ? [meant, ...matches.filter(({ key }) => key !== meant.key)] : matches;
}

/** Whether the list is open, what is typed, and which option the keyboard is on. */
function useCombobox<Item extends Option>(props: ComboboxProps<Item>) {
  const { options, selected, disabled, onChoose } = props;
  const open = useSignal(false);
  const query = useSignal<string | null>(null);
  /** The option the keyboard is on, by key: the order of the others may change meanwhile. */
  const active = useSignal("");
  const close = () => {
    open.value = false;
    query.value = null;
  };
  const typed = query.value;
  const shown = useMemo(() => matching(props, typed), [options, typed]);
  const list = useVirtualList(shown.length, ROW_HEIGHT);
  const index = shown.findIndex(({ key }) => key === active.value);
  const at = Math.max(0, index);
  const show = () => {
    if (open.value || disabled) return;
    open.value = true;
    active.value = selected;
  };
  const choose = (option: Item | undefined) => {
    if (!option || option.objection) return;
    close();
    onChoose(option.key);
  };
  /** Takes the option that the keyboard is on; keys may come faster than the list is drawn. */
  const accept = () => {
    const matches = matching(props, query.value);
    choose(matches.find(({ key }) => key === active.value) ?? matches[0]);
  };
  const moveTo = (index: number) => {
    if (!open.value) return show();
    const next = Math.min(Math.max(index, 0), shown.length - 1);
    active.value = shown[next]?.key ?? "";
    list.reveal(next);
  };
  const type = (text: string) => {
    query.value = text;
    active.value = "";
    open.value = true;
    list.reveal(0);
  };
  useEffect(() => {
    if (open.value) list.reveal(at);
  }, [open.value]);
  return { open, isOpen: open.value, typed, shown, list, at, show, close, choose, accept, moveTo, type };
}

export type ComboboxState<Item extends Option> = ReturnType<typeof useCombobox<Item>>;

function onKeyDown<Item extends Option>(event: KeyboardEvent, state: ComboboxState<Item>): void {
  const { open, at, accept, close, moveTo } = state;
  const moves: Record<string, number> = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    PageDown: at + PAGE,
    PageUp: at - PAGE,
  };
  if (event.key in moves) {
    moveTo(moves[event.key]);
  } else if (event.key === "Enter" && open.value) {
    accept();
  } else if (event.key === "Escape" && open.value) {
    close();
    event.stopPropagation();
  } else {
    return;
  }
  event.preventDefault();
}

/** What is selected in a field that shows a name while nothing is being typed in it. */
function useSelection(typed: string | null, value: string, isOpen: boolean) {
  const field = useRef<HTMLInputElement>(null);
  // What is typed next takes the place of the name.
  const select = () => typed === null && field.current?.matches(":focus") && field.current.select();
  // A name that has been accepted is shown from its beginning, and not as if it were still to be chosen.
  useLayoutEffect(() => {
    if (!isOpen && field.current?.matches(":focus")) field.current.setSelectionRange(0, 0);
  }, [isOpen, value]);
  return { field, select };
}

const changesText = ({ key, ctrlKey, metaKey, altKey }: KeyboardEvent) =>
  (key.length === 1 || key === "Backspace" || key === "Delete") && !ctrlKey && !metaKey && !altKey;

/** A field to search in, and the list of what can be chosen. */
export function Combobox<Item extends Option>(props: ComboboxProps<Item>) {
  const { id, value, selected, options, placeholder, among, disabled, list } = props;
  const state = useCombobox(props);
  const { isOpen, typed, shown, at, close } = state;
  const { anchor, popup } = usePopup(isOpen, close, props.least);
  const { field, select } = useSelection(typed, value, isOpen);
  const chosen = typed === null && options.find(({ key }) => key === selected);
  return (
    <div class="combo" ref={anchor}>
      <input
        {...{ id, placeholder, disabled }}
        ref={field}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={`${id}-list`}
        aria-activedescendant={isOpen && shown.length > 0 ? `${id}-${at}` : undefined}
        value={typed ?? value}
        onFocus={select}
        onClick={() => {
          state.show();
          select();
        }}
        // Safari would end the click by taking the selection back.
        onMouseUp={(event) => event.preventDefault()}
        onInput={(event) => state.type(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (changesText(event)) select();
          onKeyDown(event, state);
        }}
        onPaste={select}
        onCompositionStart={select}
        onBlur={close}
      />
      {chosen && (
        <span class="about" aria-hidden="true">
          <span class="note">{chosen.note}</span>
          <span>{chosen.figure}</span>
        </span>
      )}
      <span class="caret" aria-hidden="true" />
      <div class="popup" popover="manual" ref={popup}>
        {list ? list(state) : <Options id={id} selected={selected} state={state} />}
        {isOpen && shown.length === 0 && (
          <div class="nothing">
            Nothing matches “{typed}”{among && ` among ${among}`}.
          </div>
        )}
      </div>
    </div>
  );
}

function Options<Item extends Option>(props: { id: string; selected: string; state: ComboboxState<Item> }) {
  const { id, selected, state } = props;
  const { isOpen, shown, list, at, choose } = state;
  return (
    <div
      class="options"
      role="listbox"
      id={`${id}-list`}
      aria-label="Choices"
      ref={list.box}
      onScroll={list.onScroll}
      onPointerDown={(event) => event.preventDefault()}
    >
      {isOpen && (
        <div role="presentation" style={list.padding}>
          {shown.slice(list.first, list.last).map((option, i) => (
            <div
              key={option.key}
              id={`${id}-${list.first + i}`}
              class="option"
              role="option"
              aria-selected={option.key === selected}
              aria-setsize={shown.length}
              aria-posinset={list.first + i + 1}
              data-active={list.first + i === at || undefined}
              onClick={() => choose(option)}
            >
              <span class="text">{option.text}</span>
              {option.note && (
                <span class="note" aria-hidden="true">
                  {option.note}
                </span>
              )}
              {option.figure && <span class="figure">{option.figure}</span>}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
