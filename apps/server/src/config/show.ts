import { Secret } from "@wireyard/session";
import { Document, type Scalar } from "yaml";
import { KEYS, type Key } from "./keys.ts";
import type { LoadedConfig } from "./load.ts";
import type { Config } from "./schema.ts";

/** A key that two configurations have different values for. */
export interface Change {
  readonly key: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The value a configuration has for a key. */
export function valueAt(config: Config, key: Key): unknown {
  return key.path.reduce<unknown>((value, segment) => (value as Record<string, unknown>)[segment], config);
}

/** The configuration without its secrets. */
export function withoutSecrets(config: Config): unknown {
  return JSON.parse(JSON.stringify(config));
}

/** The configuration as YAML, with a comment at each key that somebody gave, and without its secrets. */
export function configYaml({ config, origins }: LoadedConfig): string {
  const document = new Document(withoutSecrets(config));
  for (const [name, from] of origins) {
    const node = document.getIn(KEYS.get(name)?.path ?? [], true) as Scalar | undefined;
    if (node !== undefined) node.comment = ` from ${from}`;
  }
  return document.toString({ lineWidth: 0 });
}

/** What is different between two configurations: a changed password too, though nobody sees it. */
export function changes(before: Config, after: Config): Change[] {
  return [...KEYS.values()].flatMap((key) => {
    const from = valueAt(before, key);
    const to = valueAt(after, key);
    return JSON.stringify(revealed(from)) === JSON.stringify(revealed(to))
      ? []
      : [{ key: key.name, from, to }];
  });
}

function revealed(value: unknown): unknown {
  return value instanceof Secret ? value.reveal() : value;
}
