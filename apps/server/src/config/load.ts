import { dirname, resolve } from "node:path";
import type { Secret } from "@wireyard/session";
import { sqliteFile } from "../data-files.ts";
import { Failure } from "../errors.ts";
import { KEYS } from "./keys.ts";
import { type Config, configSchema } from "./schema.ts";
import { secretUrl, shown } from "./secrets.ts";
import { environmentLayer, fileLayer, flagLayer, type Given, type Problem } from "./sources.ts";

/** Where a configuration is taken from, the later over the earlier; under all of them are the defaults. */
export interface Sources {
  /** A YAML or JSON file. */
  readonly file?: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** `key=value` each. */
  readonly settings: readonly string[];
}

export interface LoadedConfig {
  readonly config: Config;
  /** Where each key that is not at its default was given. */
  readonly origins: ReadonlyMap<string, string>;
}

/** The configuration cannot be used. Its message is one line: the first problem. */
export class ConfigError extends Failure {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more: wireyard config check)` : "";
    super(describeProblem(problems[0] as Problem) + more);
    this.problems = problems;
  }
}

export function describeProblem({ key, from, text }: Problem): string {
  return `${key} (from ${from}): ${text}`;
}

/**
 * Puts a configuration together.
 *
 * @throws {ConfigError} where a key is unknown, or a value wrong
 */
export function loadConfig(sources: Sources): LoadedConfig {
  const layers = [environmentLayer(sources.env), flagLayer(sources.settings)];
  if (sources.file !== undefined) layers.unshift(fileLayer(sources.file));
  const given = layers.flatMap((layer) => layer.given);
  const problems = layers.flatMap((layer) => layer.problems);
  problems.push(...given.flatMap(wrongValue));

  const effective = new Map(given.map((one) => [one.key.name, one]));
  problems.push(...samePorts(effective), ...lackingCertificate(effective));
  if (problems.length > 0) throw new ConfigError(problems);

  const config = configSchema.parse(treeOf(effective));
  const base = sources.file === undefined ? process.cwd() : dirname(resolve(sources.file));
  const origins = new Map([...effective.values()].map(({ key, from }) => [key.name, from]));
  return { config: withAbsolutePaths(config, base), origins };
}

function wrongValue({ key, value, from }: Given): Problem[] {
  if (key.schema.safeParse(value).success) return [];
  return [{ key: key.name, from, text: `${shown(value)} is not ${key.allowed}` }];
}

/** Two keys that want one TCP port: the second would only be told that somebody has it. */
function samePorts(effective: ReadonlyMap<string, Given>): Problem[] {
  const taken = new Map<unknown, string>();
  const problems: Problem[] = [];
  for (const key of KEYS.values()) {
    if (!/^(protocols\..*\.(port|tlsPort)|web\.port)$/.test(key.name)) continue;
    const given = effective.get(key.name);
    const value = given === undefined ? key.fallback : given.value;
    if (value === null || value === 0) continue;
    const other = taken.get(value);
    taken.set(value, key.name);
    if (other === undefined) continue;
    // Told of the one that somebody gave: the other may be at its default.
    const [name, rival] = given === undefined ? [other, key.name] : [key.name, other];
    const from = effective.get(name)?.from ?? "the defaults";
    problems.push({ key: name, from, text: `${rival} has port ${value} too; give them different ones` });
  }
  return problems;
}

/** TLS ports that there is no certificate for, or no protocol. */
function lackingCertificate(effective: ReadonlyMap<string, Given>): Problem[] {
  const isSet = (name: string): boolean => (effective.get(name)?.value ?? null) !== null;
  const lacking = ["tls.cert", "tls.key"].filter((name) => !isSet(name)).join(" and ");
  return [...effective.values()].flatMap(({ key, value, from }) => {
    if (!key.name.endsWith(".tlsPort") || value === null) return [];
    const port = key.name.replace(/tlsPort$/, "port");
    if (effective.get(port)?.value === null) {
      return [
        { key: key.name, from, text: `${port} is null, which leaves the protocol out; give it a port too` },
      ];
    }
    if (lacking === "") return [];
    const text = `TLS needs ${lacking} too; wireyard config dev-cert makes a pair to try it with`;
    return [{ key: key.name, from, text }];
  });
}

function treeOf(effective: ReadonlyMap<string, Given>): object {
  const tree: Record<string, unknown> = {};
  for (const key of KEYS.values()) {
    let group = tree;
    for (const segment of key.path.slice(0, -1)) {
      group[segment] ??= {};
      group = group[segment] as Record<string, unknown>;
    }
    group[key.path.at(-1) as string] = effective.get(key.name)?.value;
  }
  return tree;
}

function withAbsolutePaths(config: Config, base: string): Config {
  const { accounts, protocols, tls, web } = config;
  const comma = protocols["comma-command"];
  const varint = protocols["varint-state"];
  const modules = comma.modules.map((path) => resolve(base, path));
  const absolute = (path: string | null): string | null => (path === null ? null : resolve(base, path));
  const favicon = absolute(varint.favicon);
  const json = protocols["json-packet"];
  return {
    ...config,
    web: { ...web, adminTokenFile: absolute(web.adminTokenFile) },
    tls: { cert: absolute(tls.cert), key: absolute(tls.key) },
    accounts: absoluteAccounts(accounts, base),
    protocols: {
      ...protocols,
      "comma-command": { ...comma, modules },
      "varint-state": { ...varint, favicon },
      "json-packet": { ...json, keyFile: absolute(json.keyFile) },
    },
  };
}

function absoluteAccounts(accounts: Secret, base: string): Secret {
  const file = sqliteFile(accounts);
  return file === undefined || file === ":memory:" ? accounts : secretUrl(`sqlite:${resolve(base, file)}`);
}
