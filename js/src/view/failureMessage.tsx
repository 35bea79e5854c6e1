import type { Store } from "../state/store";
import { CloseButton } from "./field";
import { setTo } from "./setTo";

export function FailureMessage({ store }: { store: Store }) {
  const failure = store.failure.value;
  if (!failure) return null;
  const { message, hint, traceback } = failure;
  return (
    <div class="failure" role="alert">
      <div class="what">
        <strong>{message}</strong>
        {hint && <span>{hint}</span>}
        {traceback && (
          <details>
            <summary>Traceback</summary>
            <pre tabIndex={0}>{traceback}</pre>
          </details>
        )}
      </div>
      <CloseButton label="Dismiss the error" onClick={setTo(store.failure, null)} />
    </div>
  );
}
