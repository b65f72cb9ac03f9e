import { UsageError } from "@wireyard/session";
import type { RedisOptions } from "ioredis";

/** Where an engine listens. */
export interface EngineAddress {
  host: string;
  port: number;
}

/** Where the engine is: exactly one of `url`, `sentinels` and `cluster`. */
export interface RedisBackplaneOptions {
  /** One server: `redis://[[user]:password@]host[:port][/db]`, or `rediss:` for TLS. */
  url?: string;
  /** Sentinels that know the master of the group `name`. */
  sentinels?: { name: string; addresses: readonly EngineAddress[] };
  /** Some servers of a cluster: they know the others. */
  cluster?: readonly EngineAddress[];
  /** User, password, TLS and the like, for every connection to an engine. */
  connection?: Pick<RedisOptions, "username" | "password" | "tls" | "sentinelPassword" | "sentinelUsername">;
  /** What this node is called among the others, for operators. Default: made up. */
  nodeId?: string;
  /** A node that has not been heard of for so long is dead: its members are taken out of their rooms. Default 5000. */
  leaseMs?: number;
  /** What every key and channel starts with: hubs that share an engine differ in it. Default `wireyard`. */
  prefix?: string;
  /** Bytes that may be on their way to the engine; what is beyond is refused. Default 16 MiB. */
  maxPendingBytes?: number;
  /** Told when the engine goes and comes. Default: standard error. */
  report?: (problem: string, error?: unknown) => void;
}

/** What an option is where it is not given. */
export const BACKPLANE_REDIS_DEFAULTS = Object.freeze({
  leaseMs: 5_000,
  prefix: "wireyard",
  maxPendingBytes: 16_777_216,
});

export type Settings = RedisBackplaneOptions &
  Required<Pick<RedisBackplaneOptions, "nodeId" | "leaseMs" | "prefix" | "maxPendingBytes" | "report">>;

/** @throws {UsageError} where an option makes no sense */
export function settingsOf(options: RedisBackplaneOptions): Settings {
  const given = [options.url, options.sentinels, options.cluster].filter((place) => place !== undefined);
  if (given.length !== 1) throw new UsageError("give exactly one of url, sentinels and cluster");
  if (options.url !== undefined && !/^rediss?:\/\//.test(options.url)) {
    throw new UsageError("url must start with redis:// or rediss://");
  }
  const settings = {
    ...BACKPLANE_REDIS_DEFAULTS,
    nodeId: crypto.randomUUID(),
    report: (problem: string, error?: unknown) => console.error(`wireyard: ${problem}`, error ?? ""),
    ...definedOf(options),
  };
  if (!Number.isInteger(settings.leaseMs) || settings.leaseMs < 100) {
    throw new UsageError(`leaseMs must be a whole number of at least 100, not ${settings.leaseMs}`);
  }
  if (!/^[\w.-]+$/.test(settings.prefix)) {
    throw new UsageError(
      `prefix must be made of letters, digits, ".", "_" and "-", not ${JSON.stringify(settings.prefix)}`,
    );
  }
  return settings;
}

/** `undefined` means the default, as everywhere. */
function definedOf(options: RedisBackplaneOptions): RedisBackplaneOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
