import type { RedisBackplane } from "@wireyard/backplane-redis";
import type { Hub } from "@wireyard/session";
import type { Logger } from "pino";
import type { RecentLog } from "../recent-log.ts";
import type { History } from "./history.ts";
import type { Logins } from "./logins.ts";
import type { Pages } from "./page.ts";
import type { OriginPolicy } from "./policy.ts";
import type { Readiness } from "./readiness.ts";

/** The ports of one protocol, by what carries it. */
export type ProtocolPorts = Readonly<Record<string, number>>;

/** What all answers of the web port are made from. */
export interface WebContext {
  readonly hub: Hub;
  /** What the hub shares with other nodes, where there are any. */
  readonly backplane: Pick<RedisBackplane, "counters"> | undefined;
  readonly log: Logger;
  /** What it wrote last. */
  readonly recent: RecentLog;
  readonly version: string;
  /** What operators call this node. */
  readonly node: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Every protocol that is served, with its ports. */
  readonly protocols: Readonly<Record<string, ProtocolPorts>>;
  readonly port: number;
  readonly policy: OriginPolicy;
  readonly logins: Logins;
  readonly readiness: Readiness;
  readonly history: History;
  readonly pages: Pages;
  /** The pages of the examples, in development. */
  readonly examples: Pages | undefined;
  /** Begins what SIGTERM begins. */
  readonly drain: () => void;
}
