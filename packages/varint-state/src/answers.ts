import { encodeText } from "@wireyard/framing";
import { type Hub, NODE_NUMBERS, nameKey, UsageError } from "@wireyard/session";
import { encodeServerMessage, MAX_RESPONSE_LENGTH } from "./codec.ts";
import { encodeLegacyStatus, type LegacyForm } from "./legacy.ts";
import type { Counts, Player } from "./messages.ts";
import { encodeStatus } from "./status.ts";

/** What the operator has the server tell about itself. */
export interface Told {
  readonly version: { readonly name: string; readonly protocol: number };
  readonly description: string;
  /** A `data:` URL. */
  readonly favicon: string | null;
  /** How many user names. */
  readonly sample: number;
}

/** Told to players who want to log in: the packet. [VARINT-3.7] */
export const LOGIN_DISCONNECT: Uint8Array = encodeServerMessage({
  type: "login_disconnect",
  json: JSON.stringify({ text: "This server is for lists and pings: there is no game to join here." }),
});

/** Names that are told: others could hold anything that fits a name. [VARINT-5.5] */
const TOLD_NAME = /^[\p{L}\p{N}_-]+$/u;
const MAX_TOLD_NAME = 32;

/** What the server tells about itself, encoded anew only when it has changed. */
export class Answers {
  private readonly hub: Hub;
  private readonly told: Told;
  private packet: Uint8Array | undefined;
  private counts: Counts = { max: 0, online: -1 };
  private names: readonly string[] = [];
  private sampledAt = Number.NaN;

  /** @throws {UsageError} where no Response could hold what it is to tell */
  constructor(hub: Hub, told: Told) {
    this.hub = hub;
    this.told = told;
    const longest = Array.from({ length: told.sample }, () => "\uffff".repeat(MAX_TOLD_NAME));
    const most = hub.limits.maxConnections * NODE_NUMBERS;
    const { length } = this.json({ max: most, online: most }, longest);
    if (length > MAX_RESPONSE_LENGTH) {
      throw new UsageError(
        `the status takes ${length} characters; shorten version.name or description, or take a smaller favicon, until it is at most ${MAX_RESPONSE_LENGTH}`,
      );
    }
  }

  /** The Response packet. */
  response(): Uint8Array {
    const counts = this.count();
    const same = counts.online === this.counts.online && counts.max === this.counts.max;
    // Names are looked for once a tick: whoever asks without end must not have every session looked at each time.
    const { now } = this.hub.wheel;
    if (same && now === this.sampledAt && this.packet !== undefined) return this.packet;
    const names = this.sampleNames();
    this.sampledAt = now;
    if (same && sameNames(names, this.names) && this.packet !== undefined) return this.packet;
    this.counts = counts;
    this.names = names;
    this.packet = encodeServerMessage({ type: "response", json: this.json(counts, names) });
    return this.packet;
  }

  /** The kick packet that answers a legacy ping. */
  legacy(form: LegacyForm): Uint8Array {
    const { version, description } = this.told;
    return encodeLegacyStatus(form, { version, description, ...this.count() });
  }

  /** [VARINT-5.3] Of all nodes. Each is taken to have the limit of this one. */
  private count(): Counts {
    const { sessionCount, elsewhere, limits } = this.hub;
    return {
      max: limits.maxConnections * (1 + elsewhere.nodes),
      online: sessionCount + elsewhere.sessions,
    };
  }

  private json(counts: Counts, names: readonly string[]): string {
    const { version, description, favicon } = this.told;
    return encodeStatus({
      version: { name: version.name, protocol: version.protocol },
      players: { ...counts, sample: names.map(playerOf) },
      clients: counts,
      description: { text: description },
      ...(favicon !== null && { favicon }),
    });
  }

  /** [VARINT-5.5] A user with several sessions is told once. */
  private sampleNames(): string[] {
    const { sample } = this.told;
    const names = new Map<string, string>();
    if (sample === 0) return [];
    for (const name of this.allNames()) {
      if (name === "" || name.length > MAX_TOLD_NAME || !TOLD_NAME.test(name)) continue;
      names.set(nameKey(name), name);
      if (names.size === sample) break;
    }
    return [...names.values()];
  }

  /** Those of this node first. */
  private *allNames(): Generator<string> {
    for (const { name } of this.hub.sessions()) yield name;
    yield* this.hub.elsewhere.names;
  }
}

function playerOf(name: string): Player {
  return { name, id: playerId(name) };
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}

const FNV_OFFSET = 0x6c62272e07bb014262b821756295c58dn;
const FNV_PRIME = 0x1000000000000000000013bn;

/** A UUID (version 8, RFC 9562) made of a user name alone, by FNV-1a: always the same, and secret from nobody. */
export function playerId(name: string): string {
  let hash = FNV_OFFSET;
  for (const byte of encodeText(nameKey(name))) hash = BigInt.asUintN(128, (hash ^ BigInt(byte)) * FNV_PRIME);
  const hex = hash.toString(16).padStart(32, "0");
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20),
  ].join("-");
}
