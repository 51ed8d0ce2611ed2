// That the session ended under the person's hands is worth telling; that it never began is not. When they signed out,
// or another person is in, the page ends.
import { createStore } from "zustand/vanilla";
import { clearLocalData } from "./localData";

export const session = createStore(() => ({ lost: false, left: false }));

/** The server said 401 to something only signed-in people ask. */
export function sessionLost(): void {
  session.setState({ lost: true });
}

export function sessionFound(): void {
  session.setState({ lost: false });
}

/** Nothing of the person stays in this browser. A full load forgets what is in memory, and the server decides what to show. */
export function leave(): void {
  session.setState({ left: true });
  void clearLocalData().then(() => location.assign("/"));
}
