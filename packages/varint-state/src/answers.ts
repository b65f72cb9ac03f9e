import { encodeText } from "@wireyard/framing";
import { type Hub, nameKey, UsageError } from "@wireyard/session";
import { encodeServerMessage, MAX_RESPONSE_LENGTH } from "./codec.ts";
import { encodeLegacyStatus, type LegacyForm } from "./legacy.ts";
import type { Player } from "./messages.ts";
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
  private online = -1;
  private names: readonly string[] = [];
  private sampledAt = Number.NaN;

  /** @throws {UsageError} where no Response could hold what it is to tell */
  constructor(hub: Hub, told: Told) {
    this.hub = hub;
    this.told = told;
    const longest = Array.from({ length: told.sample }, () => "\uffff".repeat(MAX_TOLD_NAME));
    const { length } = this.json(hub.limits.maxConnections, longest);
    if (length > MAX_RESPONSE_LENGTH) {
      throw new UsageError(
        `the status takes ${length} characters; shorten version.name or description, or take a smaller favicon, until it is at most ${MAX_RESPONSE_LENGTH}`,
      );
    }
  }

  /** The Response packet. */
  response(): Uint8Array {
    const { hub } = this;
    const online = hub.sessionCount;
    // Names are looked for once a tick: whoever asks without end must not have every session looked at each time.
    const { now } = hub.wheel;
    if (online === this.online && now === this.sampledAt && this.packet !== undefined) return this.packet;
    const names = this.sampleNames();
    this.sampledAt = now;
    if (online === this.online && sameNames(names, this.names) && this.packet !== undefined)
      return this.packet;
    this.online = online;
    this.names = names;
    this.packet = encodeServerMessage({ type: "response", json: this.json(online, names) });
    return this.packet;
  }

  /** The kick packet that answers a legacy ping. */
  legacy(form: LegacyForm): Uint8Array {
    const { version, description } = this.told;
    const { sessionCount: online, limits } = this.hub;
    return encodeLegacyStatus(form, { version, description, online, max: limits.maxConnections });
  }

  private json(online: number, names: readonly string[]): string {
    const { version, description, favicon } = this.told;
    const max = this.hub.limits.maxConnections;
    return encodeStatus({
      version: { name: version.name, protocol: version.protocol },
      players: { max, online, sample: names.map(playerOf) },
      clients: { max, online },
      description: { text: description },
      ...(favicon !== null && { favicon }),
    });
  }

  /** [VARINT-5.5] A user with several sessions is told once. */
  private sampleNames(): string[] {
    const { sample } = this.told;
    const names = new Map<string, string>();
    if (sample === 0) return [];
    for (const { name } of this.hub.sessions()) {
      if (name === "" || name.length > MAX_TOLD_NAME || !TOLD_NAME.test(name)) continue;
      names.set(nameKey(name), name);
      if (names.size === sample) break;
    }
    return [...names.values()];
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
