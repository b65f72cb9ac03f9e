import { ProtocolError } from "@wireyard/framing";
import type { Counts, Player, Status } from "./messages.ts";

/** The JSON of a Response, ASCII throughout. [VARINT-5.2] */
export function encodeStatus(status: Status): string {
  return JSON.stringify(status).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Reads the JSON of a Response, of our servers and of Minecraft's. A description of formatted parts becomes its text.
 *
 * @throws {ProtocolError} `bad_status` where it is not JSON, or tells no version or no players
 */
export function decodeStatus(json: string): Status {
  const { version, players, clients, description, favicon } = objectOf(parse(json), "the status");
  const { name, protocol } = objectOf(version, "version");
  if (typeof name !== "string" || typeof protocol !== "number") {
    throw bad("version must hold a name and the number of a protocol");
  }
  const { sample } = objectOf(players, "players");
  return {
    version: { name, protocol },
    players: {
      ...countsOf(players, "players"),
      sample: Array.isArray(sample) ? sample.filter(isPlayer) : [],
    },
    ...(clients !== undefined && { clients: countsOf(clients, "clients") }),
    description: { text: plainText(description, 0) },
    ...(typeof favicon === "string" && { favicon }),
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw bad("it is not JSON");
  }
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad(`${what} must be an object`);
  }
  return value as Record<string, unknown>;
}

function countsOf(value: unknown, what: string): Counts {
  const { max, online } = objectOf(value, what);
  if (typeof max !== "number" || typeof online !== "number") {
    throw bad(`${what} must hold the numbers max and online`);
  }
  return { max, online };
}

function isPlayer(value: unknown): value is Player {
  const { name, id } = (value ?? {}) as Partial<Player>;
  return typeof name === "string" && typeof id === "string";
}

/** Parts within parts are followed this far: a stranger chose how deep they go. */
const MAX_DEPTH = 16;

/** Minecraft writes a description as a string, a part with parts in `extra`, or a list of parts. */
function plainText(part: unknown, depth: number): string {
  if (typeof part === "string") return part;
  if (typeof part !== "object" || part === null || depth === MAX_DEPTH) return "";
  if (Array.isArray(part)) return part.map((item) => plainText(item, depth + 1)).join("");
  const { text, extra } = part as { text?: unknown; extra?: unknown };
  return (typeof text === "string" ? text : "") + plainText(extra, depth + 1);
}

function bad(why: string): ProtocolError {
  return new ProtocolError("bad_status", `a Response does not hold a status: ${why}`);
}
