import { CloseButton, KEYS } from "./field";
import type { ViewProps } from "./props";

export function FailureMessage({ store, actions }: ViewProps) {
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
            <summary {...KEYS}>Traceback</summary>
            <pre tabIndex={0} {...KEYS}>
              {traceback}
            </pre>
          </details>
        )}
      </div>
      <CloseButton label="Dismiss the error" onClick={actions.dismissError} />
    </div>
  );
}
