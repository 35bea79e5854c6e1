import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { emptiness, thumbnailStyle } from "../canvas/drawThumbnail";
import type { LayerRecord } from "../kernel/protocol";
import { isAvailable } from "../state/availableQuestions";
import { showsConcepts } from "../state/concepts";
import { shape } from "../state/format";
import { defaultLayer, imageName, shownMethods } from "../state/labels";
import { chosenMethod, comparedValues, type Store } from "../state/store";
import { currentThumbnails } from "../state/thumbnails";
import { layersIn, leadOf, stagesOf, summaryOf } from "./layerStages";
import { LayerThumbnail, useThumbnails } from "./layerThumbnail";
import { buildTree, canChoose, isDetailed, type LayerNode, type LayerRow, parentsOf, visibleRows } from "./layerTree";
import type { ViewProps } from "./props";
import { setTo } from "./setTo";
import { Shortened } from "./shortened";
import { useVirtualList } from "./useVirtualList";

/** Pixels. */
const ROW_HEIGHT = 30;

/** Whether no method that is shown has a layer. */
const seesInput = (store: Store) => {
  const methods = shownMethods(store);
  return methods.length > 0 && methods.every(({ sees }) => sees === "input");
};

/** Whether none will come: without Python, of pictures in tiles, and for methods that see the input. */
const hasNoThumbnails = (store: Store) =>
  store.available.value !== null || Boolean(store.constants.value?.unmeasurable) || seesInput(store);

/** To which of the methods shown the layer makes no difference; "" where it does to all, and to concepts. */
function indifference(store: Store): string {
  if (showsConcepts(store)) return "";
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
        <span class="dim">Layer</span> <b>{seesInput(store) && !showsConcepts(store) ? "the input" : name}</b>
      </summary>
      <Picker {...props} open={open.value} />
    </details>
  );
}

/** Where the chosen method looks by default. */
function recommendedLayer(store: Store) {
  const isOfAttention = chosenMethod(store)?.sees === "attention";
  return defaultLayer(store, isOfAttention ? "attention" : "layer") || null;
}

/** The layers whose maps are asked for. */
const chosenLayers = (store: Store): readonly string[] =>
  store.traits.compare.value === "layers" ? comparedValues(store).map(String) : [store.traits.layer.value];

/** Which groups are open: those of the chosen and of the recommended layer, and what the user says. */
function useOpenGroups(tree: readonly LayerNode[], byStage: boolean, pinned: readonly string[]) {
  const changes = useSignal<ReadonlyMap<string, boolean>>(new Map());
  useMemo(() => {
    if (!byStage) return;
    // What was opened for a layer stays: rows must not move under the pointer.
    const parents = pinned.flatMap((path) => parentsOf(tree, path));
    changes.value = new Map([...changes.peek(), ...parents.map(({ path }) => [path, true] as const)]);
  }, [tree, byStage, pinned.join("\n")]);
  const isOpen = (node: LayerNode) => changes.value.get(node.path) ?? (!byStage && !isDetailed(node));
  const setOpen = ({ path }: LayerNode, open: boolean) => {
    changes.value = new Map(changes.peek()).set(path, open);
  };
  return { changes: changes.value, isOpen, setOpen };
}

/** The rows of the tree under the current search. */
function useLayerRows(store: Store) {
  const layers = store.constants.value?.inspection.layers;
  const query = useSignal("");
  const all = useSignal(false);
  const pinned = [...chosenLayers(store), recommendedLayer(store) ?? ""];
  const flat = useMemo(() => buildTree(layers ?? []), [layers]);
  const stages = useMemo(() => stagesOf(layers ?? [], new Set(pinned)), [layers, pinned.join("\n")]);
  const isSearching = query.value !== "";
  const byStage = stages !== null && !all.value;
  const tree = byStage ? stages : flat;
  const { changes, isOpen, setOpen } = useOpenGroups(tree, byStage, pinned);
  // A search is among all layers.
  const rows = useMemo(
    () => visibleRows(isSearching ? flat : tree, query.value, isOpen),
    [flat, tree, query.value, changes],
  );
  const toggle = (row: LayerRow, open = !row.expanded) => {
    // A search shows its matches, in closed groups, too.
    if (!isSearching) setOpen(row.node, open);
  };
  const nested = rows.some(({ expanded }) => expanded !== undefined);
  return {
    layers,
    tree,
    rows,
    query,
    all,
    hasStages: stages !== null,
    byStage: byStage && !isSearching,
    isSearching,
    toggle,
    nested,
  };
}

/** The tree's rows, which of them the keyboard and the pointer are on, and what can be done with them. */
function usePicker({ store, actions, open }: ViewProps & { open: boolean }) {
  const layerRows = useLayerRows(store);
  const { layers, tree, rows, all, byStage, isSearching, toggle } = layerRows;
  const chosen = store.traits.layer.value;
  const recommended = recommendedLayer(store);
  /** The row the keyboard is on, by path. */
  const active = useSignal("");
  const hovered = useSignal<LayerRow | null>(null);
  const focused = useSignal(false);
  const list = useVirtualList(rows.length, ROW_HEIGHT);
  const indexOf = (path: string) => rows.findIndex(({ node }) => node.path === path);
  const at = Math.max(0, indexOf(active.value || chosen));
  useEffect(() => {
    // What was just chosen here, itself or as the last of a group, is in sight already.
    const parents = byStage ? parentsOf(tree, chosen) : [];
    const isHere = [chosen, ...parents.map(({ path }) => path)].includes(active.value);
    if (!isSearching && !isHere) list.reveal(indexOf(chosen), true);
  }, [layers, chosen, isSearching, open, all.value]);

  const canTake = (node: LayerNode) => canChoose(node) && isAvailable(store, "layer", node.path);
  /** The layer that a row is, or the one that stands for its group where these are stages and blocks. */
  const layerOf = (node: LayerNode) => node.layer ?? (byStage ? leadOf(node, recommended) : undefined) ?? null;
  const activate = (row: LayerRow | undefined) => {
    if (!row) return;
    const { node, expanded } = row;
    active.value = node.path;
    const lead = layerOf(node);
    const holdsChosen = layersIn(node).some(({ path }) => path === chosen);
    if (canTake(node)) actions.chooseLayer(node.path);
    else if (lead && !holdsChosen && !node.layer && isAvailable(store, "layer", lead.path))
      actions.chooseLayer(lead.path);
    else if (expanded !== undefined) toggle(row);
  };
  const moveTo = (index: number) => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
    if (!row) return;
    active.value = row.node.path;
    list.reveal(rows.indexOf(row));
  };
  const thumbnails = useComputed(() => thumbnailStyle(store));
  const isBare = useComputed(() => !thumbnails.value && hasNoThumbnails(store)).value;
  const keyboard = { at, active, focused, activate, moveTo };
  return { ...layerRows, ...keyboard, store, recommended, hovered, list, canTake, layerOf, thumbnails, isBare };
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
      {picker.hasStages && <AllLayers picker={picker} />}
      <Tree picker={picker} />
      {layers && rows.length === 0 && <div class="nothing">No layer matches “{picker.query.value}”.</div>}
      <Why picker={picker} node={pointed?.node ?? null} />
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

/** Between the stages and every layer there is. */
function AllLayers({ picker: { layers, all } }: { picker: PickerState }) {
  return (
    <label class="all" title="Also paddings, batch norms and others that are left out, with the reason">
      <input
        type="checkbox"
        checked={all.value}
        onChange={(event) => {
          all.value = event.currentTarget.checked;
        }}
      />
      all {layers?.length} layers
    </label>
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

/** What a row's tooltip says: the whole path, and what holds of the layer. */
function titleOf({ layerOf, byStage, thumbnails }: PickerState, { node }: LayerRow): string {
  const { layer, path, name } = node;
  if (layer || !byStage) return [path, layer?.type, layer?.reason || layer?.aside].filter(Boolean).join("\n");
  const lead = layerOf(node)?.path;
  return [`${name}: ${summaryOf(node)}`, lead && `a click chooses its last: ${lead}`, emptiness(thumbnails.value, lead)]
    .filter(Boolean)
    .join("\n");
}

/** What stands at a row's end: in a stage all maps have one size, and only their channels differ. */
function aboutOf({ byStage }: PickerState, node: LayerNode): string {
  const { layer } = node;
  if (!layer) return byStage ? summaryOf(node) : "";
  return byStage && layer.spatial ? `×${shape(layer.shape.slice(-1))}` : shape(layer.shape);
}

function Row({ picker, row, index }: { picker: PickerState; row: LayerRow; index: number }) {
  const { store, at, hovered, canTake, layerOf, activate, recommended } = picker;
  const { node, level, expanded } = row;
  const { path, layer } = node;
  const shown = layerOf(node);
  const chosen = chosenLayers(store);
  const isRecommended = path === recommended;
  const about = aboutOf(picker, node);
  return (
    <div
      id={`kx-layer-${index}`}
      class="row"
      role="treeitem"
      aria-label={[node.name, about].filter(Boolean).join(" ")}
      aria-level={level}
      aria-setsize={row.siblings}
      aria-posinset={row.position}
      aria-expanded={expanded}
      aria-selected={chosen.includes(path)}
      aria-disabled={(!canTake(node) && expanded === undefined) || undefined}
      aria-description={layer?.reason || layer?.aside || (isRecommended ? "recommended" : undefined)}
      data-active={index === at || undefined}
      data-group={(picker.byStage && !layer) || undefined}
      data-holds={(expanded === false && layersIn(node).some((one) => chosen.includes(one.path))) || undefined}
      title={titleOf(picker, row)}
      style={{ "--level": level }}
      onClick={() => activate(row)}
      onPointerEnter={setTo(hovered, row)}
      onPointerLeave={setTo(hovered, null)}
    >
      <Twist picker={picker} row={row} />
      {(expanded === undefined || shown?.is_candidate) && !picker.isBare && (
        <LayerThumbnail style={picker.thumbnails} path={shown?.path ?? path} />
      )}
      <span class="name">
        <Shortened text={node.name} title={null} />
      </span>
      {isRecommended && (
        <span class="star" aria-hidden="true">
          ★
        </span>
      )}
      {/* Read as words of their own; nothing is seen of it. */ " "}
      <small>{about}</small>
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
function Why({ picker, node }: { picker: PickerState; node: LayerNode | null }) {
  const { store, layerOf } = picker;
  const inspection = store.constants.value?.inspection;
  const { id, sees, title } = chosenMethod(store) ?? {};
  const thumbnails = useComputed(() => currentThumbnails(store)).value;
  if (!inspection) return null;
  const layer = node && layerOf(node);
  const { recommended, why, recommended_method, why_method } = inspection;
  return (
    <div class="why">
      {indifference(store) && <p class="note">{indifference(store)}</p>}
      {sees === "attention" && !layer && (
        <p class="note">{title} follows the attention of all blocks after this layer.</p>
      )}
      {sees !== "layer" && id === recommended_method && !layer && <p>Why this method: {why_method}</p>}
      {layer && <About picker={picker} node={node} layer={layer} />}
      {!layer && sees !== "attention" && (
        <p>
          {recommended !== null && <span class="star">★ Recommended: </span>}
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

/** Of a row that is pointed at: its layer, why that cannot be chosen or is left out, and why its small map is empty. */
function About({ picker, node, layer }: { picker: PickerState; node: LayerNode; layer: LayerRecord }) {
  const { path, type, reason, aside } = layer;
  const objection = reason || (isAvailable(picker.store, "layer", path) ? aside : "needs Python");
  const empty = emptiness(picker.thumbnails.value, path);
  return (
    <p class="path">
      {!node.layer && `${node.name}, ${summaryOf(node)}; its last: `}
      {path}, {type}
      {objection && `: ${objection}`}
      {empty && `. ${empty}`}
    </p>
  );
}
