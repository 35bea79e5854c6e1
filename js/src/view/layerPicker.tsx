import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { thumbnailStyle } from "../canvas/drawThumbnail";
import type { LayerRecord } from "../kernel/protocol";
import { isAvailable } from "../state/availableQuestions";
import { shape } from "../state/format";
import { imageName, shownMethods } from "../state/labels";
import { chosenMethod, comparedValues, type Store } from "../state/store";
import { currentThumbnails } from "../state/thumbnails";
import { LayerThumbnail, useThumbnails } from "./layerThumbnail";
import { buildTree, canChoose, detailed, type LayerNode, type LayerRow, visibleRows } from "./layerTree";
import type { ViewProps } from "./props";
import { setTo } from "./setTo";
import { useVirtualList } from "./useVirtualList";

/** Pixels. */
const ROW_HEIGHT = 30;

/** Whether no method that is shown has a layer. */
const seesInput = (store: Store) => {
  const methods = shownMethods(store);
  return methods.length > 0 && methods.every(({ sees }) => sees === "input");
};

/** To which of the methods shown the layer makes no difference; "" where it does to all. */
function indifference(store: Store): string {
  const titles = shownMethods(store)
    .filter(({ sees }) => sees === "input")
    .map(({ title }) => title);
  if (titles.length === 0) return "";
  const sees = titles.length > 1 ? "see" : "sees";
  const list = [titles.slice(0, -1).join(", "), titles[titles.length - 1]].filter(Boolean).join(" and ");
  if (seesInput(store)) return `${list} ${sees} the input: the layer makes no difference.`;
  return `The layer makes no difference to ${list}, which ${sees} the input.`;
}

export function LayerPicker(props: ViewProps & { narrow: boolean }) {
  const { store, narrow } = props;
  const open = useSignal(false);
  const disclosure = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    const details = disclosure.current;
    // Not while it is in use.
    if (details) details.open = !narrow || details.querySelector(":focus") !== null;
  }, [narrow]);
  const name = store.layerName(store.traits.layer.value) || "none";
  return (
    <details
      class="side"
      ref={disclosure}
      onToggle={(event) => {
        open.value = event.currentTarget.open;
      }}
    >
      <summary>
        <span class="dim">Layer</span> <b>{seesInput(store) ? "the input" : name}</b>
      </summary>
      <Picker {...props} open={open.value} />
    </details>
  );
}

/** The rows of the tree under the current search. */
function useLayerRows(store: Store) {
  const layers = store.constants.value?.inspection.layers;
  const query = useSignal("");
  const closed = useSignal<ReadonlySet<string>>(new Set());
  const tree = useMemo(() => buildTree(layers ?? []), [layers]);
  useMemo(() => {
    closed.value = new Set(detailed(tree, "AttentionHead"));
  }, [tree]);
  const rows = useMemo(() => visibleRows(tree, query.value, closed.value), [tree, query.value, closed.value]);
  const isSearching = query.value !== "";
  const toggle = (row: LayerRow, open = !row.expanded) => {
    // A search shows its matches, in closed groups, too.
    if (isSearching) return;
    const next = new Set(closed.value);
    if (open) next.delete(row.node.path);
    else next.add(row.node.path);
    closed.value = next;
  };
  return { layers, rows, query, isSearching, toggle, nested: tree.some(({ children }) => children.length > 0) };
}

/** The tree's rows, which of them the keyboard and the pointer are on, and what can be done with them. */
function usePicker({ store, actions, open }: ViewProps & { open: boolean }) {
  const tree = useLayerRows(store);
  const { layers, rows, isSearching, toggle } = tree;
  const chosen = store.traits.layer.value;
  /** The row the keyboard is on, by path. */
  const active = useSignal("");
  const hovered = useSignal<LayerRow | null>(null);
  const focused = useSignal(false);
  const list = useVirtualList(rows.length, ROW_HEIGHT);
  const indexOf = (path: string) => rows.findIndex(({ node }) => node.path === path);
  const at = Math.max(0, indexOf(active.value || chosen));
  useEffect(() => {
    // A row that was just chosen here is in sight already.
    if (!isSearching && active.value !== chosen) list.reveal(indexOf(chosen), true);
  }, [layers, chosen, isSearching, open]);

  const canTake = (node: LayerNode) => canChoose(node) && isAvailable(store, "layer", node.path);
  const activate = (row: LayerRow | undefined) => {
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
  const thumbnails = useComputed(() => thumbnailStyle(store));
  // Without Python none will come, nor for methods that see the input.
  const isBare = useComputed(() => !thumbnails.value && (store.available.value !== null || seesInput(store))).value;
  const keyboard = { at, active, focused, activate, moveTo };
  return { ...tree, ...keyboard, store, hovered, list, canTake, thumbnails, isBare };
}

type PickerState = ReturnType<typeof usePicker>;

function Picker({ store, actions, open }: ViewProps & { open: boolean }) {
  const picker = usePicker({ store, actions, open });
  const { rows, at, hovered, focused, list, layers } = picker;
  useThumbnails({ store, actions }, list.box);
  const pointed = hovered.value ?? (focused.value ? rows[at] : null);
  return (
    <div class="layers">
      <Search picker={picker} />
      <Tree picker={picker} />
      {layers && rows.length === 0 && <div class="nothing">No layer matches “{picker.query.value}”.</div>}
      <Why store={store} layer={pointed?.node.layer ?? null} />
    </div>
  );
}

function Search({ picker }: { picker: PickerState }) {
  const { rows, query, isSearching, active, list, canTake, activate } = picker;
  return (
    <input
      type="search"
      aria-label="Search layers"
      placeholder="Search layers"
      value={query.value}
      onInput={(event) => {
        query.value = event.currentTarget.value;
        active.value = "";
      }}
      onKeyDown={(event) => {
        const match = rows.find(({ node }) => canTake(node));
        if (event.key === "ArrowDown") {
          if (isSearching && match) active.value = match.node.path;
          list.box.current?.focus();
        } else if (event.key === "Enter") activate(match);
        else return;
        event.preventDefault();
      }}
    />
  );
}

/** What each key does in the tree. */
function keysOf({ rows, at, isSearching, toggle, activate, moveTo }: PickerState): Record<string, () => void> {
  const row = rows[at];
  const toParent = () => {
    for (let i = at - 1; i >= 0; i--) if (rows[i].level < row.level) return moveTo(i);
  };
  return {
    ArrowDown: () => moveTo(at + 1),
    ArrowUp: () => moveTo(at - 1),
    Home: () => moveTo(0),
    End: () => moveTo(rows.length - 1),
    ArrowRight: () => (row?.expanded === false ? toggle(row, true) : row?.expanded && moveTo(at + 1)),
    ArrowLeft: () => (row?.expanded && !isSearching ? toggle(row, false) : toParent()),
    Enter: () => activate(row),
    " ": () => activate(row),
  };
}

function Tree({ picker }: { picker: PickerState }) {
  const { store, rows, at, focused, list } = picker;
  return (
    <div
      class="tree"
      role="tree"
      aria-label="Layers"
      aria-multiselectable={store.traits.compare.value === "layers"}
      data-heads={chosenMethod(store)?.sees === "attention" || undefined}
      tabIndex={0}
      aria-activedescendant={rows.length > 0 ? `kx-layer-${at}` : undefined}
      ref={list.box}
      onScroll={list.onScroll}
      onKeyDown={(event) => {
        const keys = keysOf(picker);
        if (event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
        keys[event.key]();
        event.preventDefault();
      }}
      onFocus={setTo(focused, true)}
      onBlur={setTo(focused, false)}
    >
      <div role="presentation" style={list.padding}>
        {rows.slice(list.first, list.last).map((row, i) => (
          <Row key={row.node.path} picker={picker} row={row} index={list.first + i} />
        ))}
      </div>
    </div>
  );
}

/** Where the chosen method looks by default. */
function recommendedLayer(store: Store) {
  const { recommended, attention_start } = store.constants.value?.inspection ?? {};
  return chosenMethod(store)?.sees === "attention" ? attention_start : recommended;
}

function Row({ picker, row, index }: { picker: PickerState; row: LayerRow; index: number }) {
  const { store, at, hovered, canTake, activate } = picker;
  const { node, level, expanded } = row;
  const { path, layer } = node;
  const isCompared = store.traits.compare.value === "layers";
  const recommended = path === recommendedLayer(store);
  return (
    <div
      id={`kx-layer-${index}`}
      class="row"
      role="treeitem"
      aria-level={level}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      aria-expanded={expanded}
      aria-selected={isCompared ? comparedValues(store).includes(path) : path === store.traits.layer.value}
      aria-disabled={(!canTake(node) && expanded === undefined) || undefined}
      aria-description={layer?.reason || (recommended ? "recommended" : undefined)}
      data-active={index === at || undefined}
      title={[path, layer?.type, layer?.reason].filter(Boolean).join("\n")}
      style={{ "--level": level }}
      onClick={() => activate(row)}
      onPointerEnter={setTo(hovered, row)}
      onPointerLeave={setTo(hovered, null)}
    >
      <Twist picker={picker} row={row} />
      {(expanded === undefined || canChoose(node)) && !picker.isBare && (
        <LayerThumbnail style={picker.thumbnails} path={path} />
      )}
      <span class="name">
        <bdi>{node.name}</bdi>
      </span>
      {recommended && (
        <span class="star" aria-hidden="true">
          ★
        </span>
      )}
      <small>{layer ? shape(layer.shape) : ""}</small>
    </div>
  );
}

/** What opens and closes a group; room for it where only other rows have one. */
function Twist({ picker, row }: { picker: PickerState; row: LayerRow }) {
  if (row.expanded === undefined) return picker.nested ? <span class="twist" /> : null;
  return (
    <span
      class="twist branch"
      aria-hidden="true"
      data-open={row.expanded || undefined}
      onClick={(event) => {
        event.stopPropagation();
        picker.toggle(row);
      }}
    />
  );
}

/** What a layer is and why it is disabled, or which is recommended, or why the layer does not matter now. */
function Why({ store, layer }: { store: Store; layer: LayerRecord | null }) {
  const inspection = store.constants.value?.inspection;
  const { id, sees, title } = chosenMethod(store) ?? {};
  const thumbnails = useComputed(() => currentThumbnails(store)).value;
  if (!inspection) return null;
  const reason = layer && (layer.reason || (isAvailable(store, "layer", layer.path) ? "" : "needs Python"));
  const { recommended, why, recommended_method, why_method } = inspection;
  return (
    <div class="why">
      {indifference(store) && <p class="note">{indifference(store)}</p>}
      {sees === "attention" && !layer && (
        <p class="note">{title} follows the attention of all blocks after this layer.</p>
      )}
      {sees !== "layer" && id === recommended_method && !layer && <p>Why this method: {why_method}</p>}
      {layer && (
        <p class="path">
          {layer.path}, {layer.type}
          {reason && `: ${reason}`}
        </p>
      )}
      {!layer && sees !== "attention" && (
        <p>
          {recommended !== null && <span class="star">★ </span>}
          {why}
        </p>
      )}
      {thumbnails && (
        <p>
          Small maps of {imageName(store, thumbnails.image)}: {thumbnails.title}.
        </p>
      )}
    </div>
  );
}
