import type { Hub } from "@wireyard/session";

/** How long links may take to go behind `drainMs`: they linger for 2 s. */
const LAST_WORDS_MS = 3_000;
/** What was asked before the last closing is answered, or told `timeout`, if the server is not kept beyond this. */
const PATIENCE_MS = 13_000;

export interface DrainTimes {
  /** Over which the closings are spread: all of `drainMs`, but for what the last requests need. */
  readonly spreadMs: number;
  /** After which links are cut. */
  readonly allMs: number;
}

/** What a drain takes, in milliseconds, at the most. */
export function drainTimes(drainMs: number, requestTimeoutMs: number): DrainTimes {
  const allMs = Math.max(drainMs + LAST_WORDS_MS, Math.min(drainMs + requestTimeoutMs, PATIENCE_MS));
  return { spreadMs: Math.min(drainMs, Math.max(drainMs / 2, allMs - requestTimeoutMs)), allMs };
}

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
