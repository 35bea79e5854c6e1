import { type ReadonlySignal, useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { Actions } from "../actions";
import { offered } from "../archive";
import { type ThumbnailLook, thumbnailLook } from "../canvas/thumbnail";
import { shape } from "../format";
import type { LayerRecord } from "../kernel/protocol";
import { imageName } from "../naming";
import { chosenMethod, comparedValues, layerName, type Store } from "../store";
import { currentThumbnails } from "../thumbnails";
import { KEYS } from "./field";
import { buildTree, canChoose, detailed, type Node, type Row, visibleRows } from "./layerTree";
import { Thumbnail, useThumbnails } from "./thumbnail";
import { useWindow } from "./window";

const ROW = 30;

interface Props {
  store: Store;
  actions: Actions;
  narrow: boolean;
}

/** Where the chosen method looks by default. */
const recommendedLayer = (store: Store) => {
  const known = store.welcome.value?.inspection;
  return chosenMethod(store)?.sees === "attention" ? known?.attention_start : known?.recommended;
};
const seesInput = (store: Store) => chosenMethod(store)?.sees === "input";

export function Layers(props: Props) {
  const open = useSignal(false);
  const disclosure = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    const box = disclosure.current;
    // Not while it is in use.
    if (box) box.open = !props.narrow || box.querySelector(":focus") !== null;
  }, [props.narrow]);
  const { layer } = props.store.traits;
  const name = layerName(props.store, layer.value) || "none";
  return (
    <details
      class="side"
      ref={disclosure}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary {...KEYS}>
        <span class="dim">Layer</span> <b>{seesInput(props.store) ? "the input" : name}</b>
      </summary>
      <Picker {...props} open={open.value} />
    </details>
  );
}

function Picker({ store, actions, open }: Props & { open: boolean }) {
  const known = store.welcome.value?.inspection;
  const chosen = store.traits.layer.value;
  const query = useSignal("");
  /** The row the keyboard is on, by path. */
  const active = useSignal("");
  const hovered = useSignal<Row | null>(null);
  const focused = useSignal(false);
  const { compare } = store.traits;
  const isChosen = (path: string) =>
    compare.value === "layers" ? comparedValues(store).includes(path) : path === chosen;
  const tree = useMemo(() => buildTree(known?.layers ?? []), [known]);
  const closed = useSignal<ReadonlySet<string>>(new Set());
  useMemo(() => {
    closed.value = new Set(detailed(tree, "AttentionHead"));
  }, [tree]);
  const rows = useMemo(() => visibleRows(tree, query.value, closed.value), [tree, query.value, closed.value]);
  const nested = tree.some((node) => node.children.length > 0);
  const list = useWindow(rows.length, ROW);
  useThumbnails({ store, actions }, list.box);
  const thumbnails = useComputed(() => thumbnailLook(store));
  // None come without Python, nor for what sees the input.
  const heads = chosenMethod(store)?.sees === "attention";
  const boxes = useComputed(
    () => thumbnails.value !== null || !(store.offer.value || seesInput(store)),
  ).value;
  const canTake = (node: Node) => canChoose(node) && offered(store, "layer", node.path);
  const at = Math.max(
    0,
    rows.findIndex((row) => row.node.path === (active.value || chosen)),
  );

  const searching = query.value !== "";
  useEffect(() => {
    // Who has just chosen the row here sees it already.
    if (searching || active.value === chosen) return;
    list.reveal(
      rows.findIndex((row) => row.node.path === chosen),
      true,
    );
  }, [known, chosen, searching, open]);

  const toggle = (row: Row, open = !row.expanded) => {
    // A search shows what it finds, in groups that are closed, too.
    if (searching) return;
    const next = new Set(closed.value);
    if (open) next.delete(row.node.path);
    else next.add(row.node.path);
    closed.value = next;
  };
  const activate = (row: Row | undefined) => {
    if (!row) return;
    active.value = row.node.path;
    if (canTake(row.node)) actions.chooseLayer(row.node.path);
    else if (row.expanded !== undefined) toggle(row);
  };
  const moveTo = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (!row) return;
    active.value = row.node.path;
    list.reveal(rows.indexOf(row));
  };
  const parentOf = (index: number) => {
    for (let i = index - 1; i >= 0; i--) if (rows[i].level < rows[index].level) return i;
    return index;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    const keys: Record<string, () => void> = {
      ArrowDown: () => moveTo(at + 1),
      ArrowUp: () => moveTo(at - 1),
      Home: () => moveTo(0),
      End: () => moveTo(rows.length - 1),
      ArrowRight: () => (row?.expanded === false ? toggle(row, true) : row?.expanded && moveTo(at + 1)),
      ArrowLeft: () => (row?.expanded && !searching ? toggle(row, false) : row && moveTo(parentOf(at))),
      Enter: () => activate(row),
      " ": () => activate(row),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    keys[event.key]();
    event.preventDefault();
  };

  const told = hovered.value ?? (focused.value ? rows[at] : null);

  return (
    <div class="layers">
      <input
        type="search"
        aria-label="Search layers"
        placeholder="Search layers"
        value={query.value}
        {...KEYS}
        onInput={(event) => {
          query.value = event.currentTarget.value;
          active.value = "";
        }}
        onKeyDown={(event) => {
          const found = rows.find((row) => canTake(row.node));
          if (event.key === "ArrowDown") {
            if (searching && found) active.value = found.node.path;
            list.box.current?.focus();
          } else if (event.key === "Enter") activate(found);
          else return;
          event.preventDefault();
        }}
      />
      <div
        class="tree"
        role="tree"
        aria-label="Layers"
        aria-multiselectable={compare.value === "layers"}
        data-heads={heads || undefined}
        tabIndex={0}
        aria-activedescendant={rows.length > 0 ? `kx-layer-${at}` : undefined}
        {...KEYS}
        ref={list.box}
        onScroll={list.onScroll}
        onKeyDown={onKeyDown}
        onFocus={() => {
          focused.value = true;
        }}
        onBlur={() => {
          focused.value = false;
        }}
      >
        <div role="presentation" style={list.padding}>
          {rows.slice(list.first, list.last).map((row, i) => (
            <LayerRow
              key={row.node.path}
              id={`kx-layer-${list.first + i}`}
              nested={nested}
              thumbnails={boxes ? thumbnails : null}
              row={row}
              disabled={!canTake(row.node) && row.expanded === undefined}
              chosen={isChosen(row.node.path)}
              active={list.first + i === at}
              recommended={row.node.path === recommendedLayer(store)}
              onClick={() => activate(row)}
              onToggle={() => toggle(row)}
              onHover={(over) => {
                hovered.value = over ? row : null;
              }}
            />
          ))}
        </div>
      </div>
      {known && rows.length === 0 && <div class="nothing">No layer matches “{query.value}”.</div>}
      <Why store={store} layer={told?.node.layer ?? null} />
    </div>
  );
}

/** What a layer is and why it is disabled, or which is recommended, or why the layer does not matter now. */
function Why({ store, layer }: { store: Store; layer: LayerRecord | null }) {
  const known = store.welcome.value?.inspection;
  const method = chosenMethod(store);
  const shown = useComputed(() => currentThumbnails(store)).value;
  if (!known) return null;
  const reason = layer && (layer.reason || (offered(store, "layer", layer.path) ? "" : "needs Python"));
  return (
    <div class="why">
      {method?.sees === "input" && (
        <p class="note">{method.title} sees the input: the layer makes no difference.</p>
      )}
      {method?.sees === "attention" && !layer && (
        <p class="note">{method.title} follows the attention of all blocks after this layer.</p>
      )}
      {method?.sees !== "layer" && method?.id === known.recommended_method && !layer && (
        <p>Why this method: {known.why_method}</p>
      )}
      {layer ? (
        <p class="path">
          {layer.path}, {layer.type}
          {reason && `: ${reason}`}
        </p>
      ) : (
        method?.sees !== "attention" && (
          <p>
            {known.recommended !== null && <span class="star">★ </span>}
            {known.why}
          </p>
        )
      )}
      {shown && (
        <p>
          Small maps of {imageName(store, shown.image)}: {shown.title}.
        </p>
      )}
    </div>
  );
}

interface RowProps {
  id: string;
  nested: boolean;
  /** Null where there is nothing to leave room for. */
  thumbnails: ReadonlySignal<ThumbnailLook | null> | null;
  row: Row;
  disabled: boolean;
  chosen: boolean;
  active: boolean;
  recommended: boolean;
  onClick(): void;
  onToggle(): void;
  onHover(over: boolean): void;
}

function LayerRow(props: RowProps) {
  const { id, nested, row, disabled, chosen, active, recommended, onClick, onToggle, onHover } = props;
  const { node, level, expanded } = row;
  const sizes = node.layer ? shape(node.layer.shape) : "";
  return (
    <div
      id={id}
      class="row"
      role="treeitem"
      aria-level={level}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      aria-expanded={expanded}
      aria-selected={chosen}
      aria-disabled={disabled || undefined}
      aria-description={node.layer?.reason || (recommended ? "recommended" : undefined)}
      data-active={active || undefined}
      title={[node.path, node.layer?.type, node.layer?.reason].filter(Boolean).join("\n")}
      style={{ "--level": level }}
      onClick={onClick}
      onPointerEnter={() => onHover(true)}
      onPointerLeave={() => onHover(false)}
    >
      {expanded === undefined && nested && <span class="twist" />}
      {expanded !== undefined && (
        <span
          class="twist branch"
          aria-hidden="true"
          data-open={expanded || undefined}
          onClick={(event) => {
            event.stopPropagation();
            onToggle();
          }}
        />
      )}
      {(expanded === undefined || canChoose(node)) && props.thumbnails && (
        <Thumbnail look={props.thumbnails} path={node.path} />
      )}
      <span class="name">
        <bdi>{node.name}</bdi>
      </span>
      {recommended && (
        <span class="star" aria-hidden="true">
          ★
        </span>
      )}
      <small>{sizes}</small>
    </div>
  );
}
