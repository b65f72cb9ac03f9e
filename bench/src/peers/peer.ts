import type { Programs } from "../build.ts";
import type { Running } from "../processes.ts";

/** A server to compare with, or ourselves. */
export interface Peer {
  /** Its name in the scenarios and in the results. */
  readonly name: string;
  /** Why it cannot be had on this machine, and what to do; `undefined` where it can. */
  missing(): string | undefined;
  version(): string;
  start(programs: Programs): Promise<Running>;
}
