import { readFileSync } from "node:fs";
import { parse, parseDocument } from "yaml";
import { ENV_PREFIX, GROUPS, KEYS, KEYS_BY_ENV, type Key, nearest } from "./keys.ts";
import { shown } from "./secrets.ts";

/** A value that somebody gave for a key. */
export interface Given {
  readonly key: Key;
  readonly value: unknown;
  /** Where it was given, in the user's words: `wireyard.yaml`, `WIREYARD_HOST`, `--set`. */
  readonly from: string;
}

/** Something that cannot be taken, in one line each. */
export interface Problem {
  readonly key: string;
  readonly from: string;
  readonly text: string;
}

/** What one source gives, and what of it cannot be understood. */
export interface Layer {
  readonly given: Given[];
  readonly problems: Problem[];
}

/** Reads a YAML or JSON file. */
export function fileLayer(file: string): Layer {
  const layer: Layer = { given: [], problems: [] };
  let content: unknown;
  try {
    const text = readFileSync(file, "utf8");
    const document = parseDocument(text);
    const error = document.errors[0];
    if (error?.code === "DUPLICATE_KEY") {
      const { line } = error.linePos?.[0] ?? { line: 0 };
      const [key = "a key"] = /[\w.-]+/.exec(text.slice(error.pos[0])) ?? [];
      layer.problems.push({ key, from: file, text: `it is there twice, again in line ${line}; leave one` });
      return layer;
    }
    if (error !== undefined) throw error;
    content = document.toJS() ?? {};
  } catch (error) {
    layer.problems.push({ key: "--config", from: file, text: explainFile(error as NodeJS.ErrnoException) });
    return layer;
  }
  add(layer, [], content, file);
  return layer;
}

/** Reads the environment: every variable that starts with `WIREYARD_`; an empty one is as none. */
export function environmentLayer(env: NodeJS.ProcessEnv): Layer {
  const layer: Layer = { given: [], problems: [] };
  for (const [name, raw] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || raw === undefined || raw === "") continue;
    const key = KEYS_BY_ENV.get(name);
    if (key === undefined) {
      const text = `no such key; the nearest is ${nearest(
        name,
        [...KEYS.values()].map((known) => known.env),
      )}`;
      layer.problems.push({ key: name, from: "the environment", text });
      continue;
    }
    const twin = layer.given.find((given) => given.key === key);
    if (twin === undefined) layer.given.push({ key, value: valueFor(key, raw), from: name });
    else
      layer.problems.push({
        key: name,
        from: "the environment",
        text: `says the same as ${twin.from}; keep one`,
      });
  }
  return layer;
}

/** Reads `key=value` flags; of two for one key the later counts. */
export function flagLayer(settings: readonly string[]): Layer {
  const layer: Layer = { given: [], problems: [] };
  for (const setting of settings) {
    const at = setting.indexOf("=");
    const name = setting.slice(0, at);
    const raw = setting.slice(at + 1);
    const key = KEYS.get(name);
    const value = key === undefined ? parsed(raw) : valueFor(key, raw);
    add(layer, name.split("."), value, "--set");
  }
  return layer;
}

/** Takes a tree of keys apart. */
function add(layer: Layer, path: readonly string[], value: unknown, from: string): void {
  const name = path.join(".");
  const key = KEYS.get(name);
  if (key !== undefined) {
    layer.given.push({ key, value, from });
  } else if (path.length > 0 && !GROUPS.has(name)) {
    const text = `no such key; the nearest is ${nearest(name, [...KEYS.keys(), ...GROUPS])}`;
    layer.problems.push({ key: name, from, text });
  } else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    for (const [segment, inner] of Object.entries(value)) add(layer, [...path, segment], inner, from);
  } else {
    const inside = [...KEYS.keys()].find(
      (candidate) => path.length === 0 || candidate.startsWith(`${name}.`),
    );
    const text = `${shown(value)} cannot stand here; it holds keys, such as ${inside}`;
    layer.problems.push({ key: name === "" ? "--config" : name, from, text });
  }
}

/** The value of a text from outside a file: YAML, but text stays as it was typed where the key takes text. */
function valueFor(key: Key, raw: string): unknown {
  const value = parsed(raw);
  const quoted = /^["']/.test(raw);
  if (raw === "" || (value !== null && !quoted && key.schema.safeParse(raw).success)) return raw;
  return key.schema.safeParse(value).success ? value : (value ?? raw);
}

function parsed(raw: string): unknown {
  try {
    return parse(raw, { logLevel: "silent" });
  } catch {
    return raw;
  }
}

function explainFile(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a directory; name a file";
    case "EACCES":
      return "this user may not read it";
    default:
      // Behind its first line, YAML's message shows the place in several.
      return `it is neither YAML nor JSON: ${error.message.split("\n")[0]?.replace(/:$/, "")}`;
  }
}
