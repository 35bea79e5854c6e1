import type { Actions } from "../actions";
import type { Store } from "../store";
import { KEYS } from "./field";

export function Failure({ store, actions }: { store: Store; actions: Actions }) {
  const failure = store.failure.value;
  if (!failure) return null;
  return (
    <div class="failure" role="alert">
      <div class="what">
        <strong>{failure.message}</strong>
        {failure.hint && <span>{failure.hint}</span>}
        {failure.traceback && (
          <details>
            <summary {...KEYS}>Traceback</summary>
            <pre tabIndex={0} {...KEYS}>
              {failure.traceback}
            </pre>
          </details>
        )}
      </div>
      <button
        type="button"
        class="plain"
        aria-label="Dismiss the error"
        {...KEYS}
        onClick={actions.dismissError}
      >
        ✕
      </button>
    </div>
  );
}
