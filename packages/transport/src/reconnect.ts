import type { Link } from "./link.ts";

/** How a client comes back. */
export interface ReconnectOptions {
  /** Longest wait before the first try, in milliseconds. */
  minMs?: number;
  /** Longest wait before any try. */
  maxMs?: number;
  /** How many times longer each wait may be than the one before. Any wait is a random part of the longest. */
  factor?: number;
  /** Messages that may wait to be sent while the connection is lost … */
  maxQueuedMessages?: number;
  /** … and their bytes. */
  maxQueuedBytes?: number;
}

/** What a client that reconnects tells among its events. */
export type ConnectionEvent =
  /** The connection is lost, and what the client knew of the other side with it. */
  | { readonly type: "lost"; readonly reason: string }
  /** There is a new one, and the state that the client had is restored. */
  | { readonly type: "back" };

export interface LifelineOptions {
  /** Whether a lost connection is made anew, and how. Default `false`. */
  reconnect?: boolean | ReconnectOptions;
  /** Makes a new link: `reconnect` needs it. */
  connect?: (signal: AbortSignal) => Promise<Link>;
  /** How long connecting, an answer, and a request's wait for the connection may take, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  /** Ends the client, whatever it is at. */
  signal?: AbortSignal;
}

/** How long an answer may take where nothing else is said, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** What a protocol's client does for its lifeline. */
export interface LifelineOwner {
  /** Takes a link into use: the first one, and each in place of a lost one. */
  open(link: Link): void;
  /** Brings back on a new link what there was on the last; sends past the queue. */
  restore(): Promise<void>;
  /** A link is gone: what was asked over it gets no answer, and what it gave is void. */
  lost(error: Error): void;
  /** Whether to try again would fail in the same way. */
  isFinal(error: unknown): boolean;
}

/**
 * Does what `signal` ends, and so does a time limit.
 *
 * @param late what there was not in time
 * @throws {Error} after `timeoutMs`; the signal's reason where it aborts
 */
export function within<Result>(
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: Pick<LifelineOptions, "timeoutMs" | "signal">,
  act: (signal: AbortSignal) => Promise<Result>,
  late = "no connection",
): Promise<Result> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new Error(`${late} within ${timeoutMs} ms`)), timeoutMs);
  return act(signal ? AbortSignal.any([signal, limit.signal]) : limit.signal).finally(() =>
    clearTimeout(timer),
  );
}
