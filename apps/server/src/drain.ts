import type { Hub } from "@wireyard/session";

/** Closings are never further apart than this, in milliseconds: nobody waits long for a few. */
const SLOWEST_MS = 50;
const INTERVAL_MS = 10;

/**
 * Closes every session of a hub, spread evenly over `drainMs`, so that clients that come back elsewhere do not all
 * come at once. Those whose turn is later are served until then.
 */
export function closeSessions(hub: Hub, drainMs: number, reason: string): Promise<void> {
  const sessions = [...hub.sessions()];
  const gapMs = Math.min(SLOWEST_MS, drainMs / sessions.length);
  const started = performance.now();
  let turn = 0;
  return new Promise((resolve) => {
    const closeDue = (): boolean => {
      while (turn < sessions.length && performance.now() - started >= turn * gapMs) {
        const session = sessions[turn++];
        if (session?.state === "open") session.peer.close(reason);
      }
      return turn === sessions.length;
    };
    if (closeDue()) {
      resolve();
      return;
    }
    const closing = setInterval(() => {
      if (!closeDue()) return;
      clearInterval(closing);
      resolve();
    }, INTERVAL_MS);
  });
}
