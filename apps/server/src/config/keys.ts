import { z } from "zod";
import type { KeyMeta } from "./leaves.ts";
import { configSchema } from "./schema.ts";

/** One key of the configuration, as its schema describes it. */
export interface Key extends KeyMeta {
  /** With dots: `protocols.colon-relay.udpPort`. */
  readonly name: string;
  readonly path: readonly string[];
  /** Its environment variable: `WIREYARD_PROTOCOLS_COLON_RELAY_UDP_PORT`. */
  readonly env: string;
  readonly schema: z.ZodType;
  readonly fallback: unknown;
}

export const ENV_PREFIX = "WIREYARD_";

/** Every key by its name, in the order of the schema. */
export const KEYS: ReadonlyMap<string, Key> = new Map(
  leavesOf(configSchema, []).map((key) => [key.name, key]),
);

/** The names that hold further keys: `protocols`, `protocols.colon-relay`, … */
export const GROUPS: ReadonlySet<string> = new Set(
  [...KEYS.values()].flatMap(({ path }) => path.slice(1).map((_, i) => path.slice(0, i + 1).join("."))),
);

/**
 * Every key by its environment variables. A hump may be written with an underscore or without: `UDP_PORT` and
 * `UDPPORT` are one.
 */
export const KEYS_BY_ENV: ReadonlyMap<string, Key> = new Map(
  [...KEYS.values()].flatMap((key) => [
    [key.env, key],
    [envName(key.path, ""), key],
  ]),
);

/** The name among `candidates` that is the fewest edits away. */
export function nearest(name: string, candidates: Iterable<string>): string {
  let best = "";
  let least = Infinity;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function leavesOf(group: z.ZodObject, path: readonly string[]): Key[] {
  return Object.entries(group.shape as Record<string, z.ZodType>).flatMap(([segment, schema]) => {
    const here = [...path, segment];
    if (schema instanceof z.ZodObject) return leavesOf(schema, here);
    const { description, allowed } = schema.meta() as unknown as KeyMeta;
    const fallback = schema.parse(undefined);
    return [
      { name: here.join("."), path: here, env: envName(here, "_"), schema, fallback, description, allowed },
    ];
  });
}

function envName(path: readonly string[], hump: string): string {
  const segments = path.map((segment) => segment.replace(/(?<=[a-z])(?=[A-Z])/g, hump).replaceAll("-", "_"));
  return ENV_PREFIX + segments.join("_").toUpperCase();
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] as number) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
