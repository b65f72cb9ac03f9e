import type { Backplane } from "@wireyard/session";
import { type BackplaneCounters, noCounts } from "./counters.ts";
import { RedisNode } from "./node.ts";
import { type RedisBackplaneOptions, settingsOf } from "./options.ts";

export interface RedisBackplane extends Backplane {
  /** What went wrong since the start, of all its nodes. */
  readonly counters: Readonly<BackplaneCounters>;
}

/**
 * Makes a back plane on Redis or Valkey, 7 or later. Nothing is connected until a hub opens it.
 *
 * @throws {UsageError} where an option makes no sense
 */
export function redisBackplane(options: RedisBackplaneOptions): RedisBackplane {
  const settings = settingsOf(options);
  const counters = noCounts();
  return {
    counters,
    open: (receive, sessions = () => []) => new RedisNode(settings, counters, receive, sessions),
  };
}
