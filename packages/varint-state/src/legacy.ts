import { allocateBytes } from "@wireyard/framing";

/**
 * The pings of Minecraft before 1.7, which knew no packets with a length: FE alone (to 1.3), FE 01 (1.4 and 1.5),
 * FE 01 FA and the server's name (1.6). FE and FE 01 may also be the first bytes of a length, so what follows
 * decides, and where nothing follows, time. See PROTOCOL.md [VARINT-7.1].
 */

/** Which answer a legacy ping wants: `short` to FE, `long` to FE 01 and what follows it. */
export type LegacyForm = "short" | "long";

/** With nothing more coming for this long, what has come of a legacy ping is all of it. */
export const LEGACY_QUIET_MS = 300;

/** No packet starts so: it would be of 254 bytes and have the id 122, written in a byte too many. */
const MARK = Uint8Array.of(0xfe, 0x01, 0xfa, 0x00, 0x0b);

/** Most UTF-16 code units of an answer: old clients read no more. */
const MAX_TEXT = 256;
const MAX_NAME = 64;

/** Tells a legacy ping by the first bytes of a stream. */
export class LegacyGuard {
  private matched = 0;

  /** Takes the next bytes; tells whether the stream may still be a legacy ping. Looks at five bytes at the most. */
  check(chunk: Uint8Array): boolean {
    for (let i = 0; i < chunk.length && !this.certain; i++) {
      if (chunk[i] !== MARK[this.matched]) return false;
      this.matched++;
    }
    return true;
  }

  /** Whether it is one, whatever comes. */
  get certain(): boolean {
    return this.matched === MARK.length;
  }

  /** Which ping it is if nothing more comes; `undefined` while nothing has come. */
  get form(): LegacyForm | undefined {
    if (this.matched === 0) return undefined;
    return this.matched === 1 ? "short" : "long";
  }
}

/** What a legacy answer tells. */
export interface LegacyStatus {
  readonly version: { readonly name: string; readonly protocol: number };
  readonly description: string;
  readonly online: number;
  readonly max: number;
}

/**
 * Encodes the answer to a legacy ping: a kick packet, FF and a text in UTF-16. The description is cut to what old
 * clients read.
 *
 * @see PROTOCOL.md [VARINT-7.2]
 */
export function encodeLegacyStatus(form: LegacyForm, status: LegacyStatus): Uint8Array {
  const { version, online, max } = status;
  const description = plain(status.description);
  if (form === "short") {
    const counts = `§${online}§${max}`;
    // § stands between the fields, so none may be in one: colour codes go as a whole.
    return encodeKick(cut(description.replace(/§.?/gsu, ""), MAX_TEXT - counts.length) + counts);
  }
  const head = `§1\0${version.protocol}\0${cut(plain(version.name), MAX_NAME)}\0`;
  const counts = `\0${online}\0${max}`;
  return encodeKick(head + cut(description, MAX_TEXT - head.length - counts.length) + counts);
}

function encodeKick(text: string): Uint8Array {
  const packet = allocateBytes(3 + 2 * text.length);
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  packet[0] = 0xff;
  view.setUint16(1, text.length);
  for (let i = 0; i < text.length; i++) view.setUint16(3 + 2 * i, text.charCodeAt(i));
  return packet;
}

/** Without control characters: a NUL ends a field. */
function plain(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

/** At most `length` UTF-16 code units, and no half of a character. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\ud800-\udbff]$/, "");
}
