import { isatty } from "node:tty";

/** What the signals ask for. */
export interface SignalHandlers {
  /** SIGTERM or SIGINT. */
  stop(): void;
  /** A second one. */
  stopNow(): void;
  /** SIGHUP. */
  reload(): void;
}

/** npm and process groups deliver a signal twice: what comes within this time of the first is the first. */
const SAME_SIGNAL_MS = 250;
const STDIN = 0;

/**
 * Listens for signals.
 *
 * @param clock milliseconds that never jump
 * @returns stops listening
 */
export function listenForSignals(
  handlers: SignalHandlers,
  clock: () => number = () => performance.now(),
): () => void {
  const onTerminal = isatty(STDIN);
  let stoppedAt: number | undefined;
  const stop = (): void => {
    if (stoppedAt === undefined) {
      stoppedAt = clock();
      handlers.stop();
    } else if (clock() - stoppedAt >= SAME_SIGNAL_MS) {
      handlers.stopNow();
    }
  };
  const hangUp = (): void => {
    // The kernel sends it too, when the terminal goes away: then nobody is left who could stop the server.
    if (onTerminal && !isatty(STDIN)) stop();
    else handlers.reload();
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", hangUp);
  return () => {
    process.off("SIGTERM", stop);
    process.off("SIGINT", stop);
    process.off("SIGHUP", hangUp);
  };
}
