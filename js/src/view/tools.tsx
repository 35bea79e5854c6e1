import { useComputed } from "@preact/signals";
import { pythonCode } from "../state/pythonCode";
import { CopyAsPython } from "./copyAsPython";
import { ExportMenu } from "./exportMenu";
import { HelpButton } from "./help";
import type { ViewProps } from "./props";

/** What takes the view along: as Python, pictures, a page, numbers. */
export function Tools({ store, actions }: ViewProps) {
  const isWhole = useComputed(() => store.view.value.isIdentity).value;
  return (
    <>
      <CopyAsPython title="The code that shows this view again" code={() => pythonCode(store)} />
      <ExportMenu store={store} actions={actions} />
      <button
        type="button"
        title="Shows whole pictures again, without a crosshair"
        aria-disabled={isWhole}
        onClick={actions.resetView}
      >
        Reset view
      </button>
      <HelpButton />
    </>
  );
}
