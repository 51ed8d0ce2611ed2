// That the session ended under the person's hands is worth telling; that it never began is not.
import { createStore } from "zustand/vanilla";

export const session = createStore(() => ({ lost: false }));

/** The server said 401 to something only signed-in people ask. */
export function sessionLost(): void {
  session.setState({ lost: true });
}

export function sessionFound(): void {
  session.setState({ lost: false });
}
