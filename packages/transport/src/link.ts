/** One side of a stream of bytes, whatever carries it. */
export interface Link {
  readonly transport: "tcp" | "tls" | "websocket" | "memory";
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Bytes that were written and have not left the process. */
  readonly queuedBytes: number;
  /**
   * Queues a chunk; everything queued in one tick leaves in one write. The chunk must not change afterwards. Give
   * links that get the same the same object: they then share the joined bytes too.
   */
  write(chunk: Uint8Array): void;
  /** Queues a copy of lent bytes, from `start` up to `end`: for short answers to this link alone. */
  copy(bytes: Uint8Array, start: number, end: number): void;
  /** Sends what is queued, then closes. What still comes in is discarded. */
  end(): void;
  /** Closes at once, dropping what is queued. */
  destroy(): void;
  /** Stops reading; a chunk that is already here may still come. */
  pause(): void;
  resume(): void;
  /** Starts reading. Called once. */
  open(handlers: LinkHandlers): void;
}

/** What a link tells its owner. None of them may throw. */
export interface LinkHandlers {
  /** Bytes came in. Lent for the call. */
  data(chunk: Uint8Array): void;
  /** The other side has ended its sending; it may still read. */
  ended(): void;
  /** What was queued has left. Told while reading is paused: who reads on does not wait for it. */
  drained(): void;
  /** The link is gone, for whatever reason. Told once, last. */
  closed(reason: CloseReason): void;
}

/** `slow_reader`: its queue passed the cap and it was cut. */
export type CloseReason = "ended" | "destroyed" | "slow_reader" | "error";

/** What serves the links of a listener. */
export interface StreamService {
  /** Takes a new link, and opens it. */
  accept(link: Link): void;
  /** Called every `TICK_INTERVAL_MS` while something listens: deadlines run out here. */
  tick(): void;
  /** Told of what went wrong on a listener, such as that no descriptor was left for a link; the listener goes on. */
  failed?(error: unknown): void;
}

/** How often a listener calls its service's `tick`. */
export const TICK_INTERVAL_MS = 50;

export interface ListenOptions {
  /** Default `127.0.0.1`. */
  host?: string;
  /** 0 takes a free one. */
  port: number;
  /** A reader with more than this queued is cut. */
  maxQueuedBytes?: number;
  /** Whether to read and write past Node's stream machinery, where a self-test shows that it works. Default `true`. */
  direct?: boolean;
}

export interface Listener {
  readonly port: number;
  /** Stops accepting. Links that are open stay so. */
  close(): void;
  /**
   * Waits, after `close`, until the last link is gone; after `ms` milliseconds cuts what is left.
   *
   * @returns how many links had to be cut
   */
  gone(ms: number): Promise<number>;
}
