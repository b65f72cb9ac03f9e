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

/** 2 s at most: whoever was away is back within 5 s of the server, and they do not come all at once. */
export const RECONNECT_DEFAULTS: Readonly<Required<ReconnectOptions>> = Object.freeze({
  minMs: 100,
  maxMs: 2_000,
  factor: 2,
  maxQueuedMessages: 256,
  maxQueuedBytes: 65_536,
});

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
  /** How long a try, an answer, and a request's wait for the connection may take, in milliseconds. Default 10,000. */
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
