import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { KEYS } from "./field";
import { usePopup } from "./popup";
import { useWindow } from "./window";

export interface Option {
  key: string;
  text: string;
  /** Shown beside the text, but not part of the option's name. */
  note?: string;
  /** Shown at the right. */
  figure?: string;
}

interface Props {
  id: string;
  /** What the field shows while it is not searched in. */
  value: string;
  selected: string;
  options: readonly Option[];
  placeholder: string;
  /** What the options are where they are not all there could be. */
  among?: string;
  label?: string;
  disabled?: boolean;
  onChoose(key: string): void;
}

const ROW = 30;
const PAGE = 8;

/** Options whose text holds every word of the query; those that begin with it come first. */
export function search(options: readonly Option[], query: string): readonly Option[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return options;
  const found = options.filter((option) => {
    const text = option.text.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const begins = (option: Option) => option.text.toLowerCase().startsWith(words[0]);
  return [...found.filter(begins), ...found.filter((option) => !begins(option))];
}

export function Combobox(props: Props) {
  const { id, options } = props;
  const open = useSignal(false);
  const query = useSignal<string | null>(null);
  /** The option the keyboard is on, by key: the others may be put in another order meanwhile. */
  const active = useSignal("");
  const close = () => {
    open.value = false;
    query.value = null;
  };
  const { anchor, popup } = usePopup(open.value, close);
  const field = useRef<HTMLInputElement>(null);
  const typed = query.value;
  const shown = useMemo(() => search(options, typed ?? ""), [options, typed]);
  const list = useWindow(shown.length, ROW);
  const at = Math.max(
    0,
    shown.findIndex(({ key }) => key === active.value),
  );
  const chosen = typed === null && options.find(({ key }) => key === props.selected);

  const show = () => {
    if (open.value || props.disabled) return;
    open.value = true;
    active.value = props.selected;
  };
  const choose = (option: Option | undefined) => {
    if (!option) return;
    close();
    props.onChoose(option.key);
  };
  const move = (to: number) => {
    if (!open.value) {
      show();
      return;
    }
    const next = Math.min(Math.max(to, 0), shown.length - 1);
    active.value = shown[next]?.key ?? "";
    list.reveal(next);
  };

  useEffect(() => {
    if (open.value) list.reveal(at);
  }, [open.value]);
  // What is typed next takes the place of the name that is shown.
  const select = () => typed === null && field.current?.matches(":focus") && field.current.select();
  useLayoutEffect(() => void select(), [typed === null, props.value]);

  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + PAGE,
      PageUp: at - PAGE,
    };
    if (event.key in moves) {
      move(moves[event.key]);
    } else if (event.key === "Enter" && open.value) {
      choose(shown[at]);
    } else if (event.key === "Escape" && open.value) {
      close();
      event.stopPropagation();
    } else {
      return;
    }
    event.preventDefault();
  };

  return (
    <div class="combo" ref={anchor}>
      <input
        id={id}
        ref={field}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={props.label}
        aria-autocomplete="list"
        aria-expanded={open.value}
        aria-controls={`${id}-list`}
        aria-activedescendant={open.value && shown.length > 0 ? `${id}-${at}` : undefined}
        placeholder={props.placeholder}
        disabled={props.disabled}
        value={typed ?? props.value}
        {...KEYS}
        onFocus={select}
        onClick={() => {
          show();
          select();
        }}
        // Safari would end the click by taking the selection back.
        onMouseUp={(event) => event.preventDefault()}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          active.value = "";
          open.value = true;
          list.reveal(0);
        }}
        onKeyDown={onKeyDown}
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
        <div
          class="options"
          role="listbox"
          id={`${id}-list`}
          aria-label={props.label ?? "Choices"}
          ref={list.box}
          onScroll={list.onScroll}
          onPointerDown={(event) => event.preventDefault()}
        >
          {open.value && (
            <div role="presentation" style={list.padding}>
              {shown.slice(list.first, list.last).map((option, i) => (
                <div
                  key={option.key}
                  id={`${id}-${list.first + i}`}
                  class="option"
                  role="option"
                  aria-selected={option.key === props.selected}
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
        {open.value && shown.length === 0 && (
          <div class="nothing">
            Nothing matches “{typed}”{props.among && ` among ${props.among}`}.
          </div>
        )}
      </div>
    </div>
  );
}
