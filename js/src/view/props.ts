import type { Stage } from "../canvas/stage";
import type { Actions } from "../state/actions";
import type { Store } from "../state/store";

/** What nearly every part of a view needs. */
export interface ViewProps {
  store: Store;
  actions: Actions;
}

export interface StageProps extends ViewProps {
  stage: Stage;
}
