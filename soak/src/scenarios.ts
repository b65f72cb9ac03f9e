import type { Scenario } from "./scenario.ts";
import { connects } from "./scenarios/connects.ts";
import { datagrams } from "./scenarios/datagrams.ts";
import { descriptors } from "./scenarios/descriptors.ts";
import { disk } from "./scenarios/disk.ts";
import { drains } from "./scenarios/drains.ts";
import { drips } from "./scenarios/drips.ts";
import { floods } from "./scenarios/floods.ts";
import { fuzz } from "./scenarios/fuzz.ts";
import { kills } from "./scenarios/kills.ts";
import { logins } from "./scenarios/logins.ts";
import { payloads } from "./scenarios/payloads.ts";
import { readers } from "./scenarios/readers.ts";
import { simulation } from "./scenarios/simulation.ts";

/** Everything that `pnpm soak` does, the shortest first: what they leave of their time is the others'. */
export const SCENARIOS: readonly Scenario[] = [
  drips,
  drains,
  descriptors,
  readers,
  floods,
  logins,
  payloads,
  datagrams,
  disk,
  simulation,
  fuzz("colon-relay"),
  fuzz("comma-command"),
  fuzz("varint-state"),
  fuzz("json-packet"),
  connects,
  kills,
];
