/**
 * Fields and their escapes: the data of a frame are fields with commas between them. `\,` is a comma, `\\` a
 * backslash, and a backslash before anything else is dropped. [COMMA-1.6] [COMMA-1.7]
 *
 * Both escapes are ASCII, so bytes of UTF-8 can be split without decoding them.
 */

export const COMMA = 0x2c;
export const BACKSLASH = 0x5c;

/** Where the field that starts at `start` ends: at the next comma that is not escaped, or with `data`. */
export function fieldEnd(data: Uint8Array, start: number): number {
  const end = data.length;
  for (let at = start; at < end; at++) {
    const byte = data[at];
    if (byte === COMMA) return at;
    if (byte === BACKSLASH) at++;
  }
  return end;
}

/** Whether `data` end in a backslash that escapes nothing. */
export function endsInLoneBackslash(data: Uint8Array): boolean {
  let at = data.length;
  while (data[at - 1] === BACKSLASH) at--;
  return (data.length - at) % 2 === 1;
}

/** The unescaped fields from `start` on. A field is a view of `data` where nothing in it was escaped. */
export function splitBytes(data: Uint8Array, start: number): Uint8Array[] {
  const fields: Uint8Array[] = [];
  for (let at = start; ; ) {
    const end = fieldEnd(data, at);
    fields.push(unescapeBytes(data, at, end));
    if (end === data.length) return fields;
    at = end + 1;
  }
}

/** The unescaped fields of a text: what `splitBytes` gives, decoded. */
export function splitText(text: string): string[] {
  if (!text.includes("\\")) return text.split(",");
  const fields: string[] = [];
  let field = "";
  for (let at = 0; at < text.length; at++) {
    const unit = text[at];
    if (unit === ",") {
      fields.push(field);
      field = "";
    } else {
      field += unit === "\\" ? (text[++at] ?? "") : unit;
    }
  }
  fields.push(field);
  return fields;
}

/** Escapes a field: the one form in which fields go out. */
export function escapeText(field: string): string {
  return field.replace(/[,\\]/g, "\\$&");
}

/** How many bytes `field` has once it is escaped. */
export function escapedSize(field: Uint8Array): number {
  let size = field.length;
  for (let at = 0; at < field.length; at++) {
    const byte = field[at];
    if (byte === COMMA || byte === BACKSLASH) size++;
  }
  return size;
}

/** Writes `field` escaped at `offset`; returns the offset behind it. */
export function writeEscaped(target: Uint8Array, offset: number, field: Uint8Array): number {
  let to = offset;
  for (let at = 0; at < field.length; at++) {
    const byte = field[at] as number;
    if (byte === COMMA || byte === BACKSLASH) target[to++] = BACKSLASH;
    target[to++] = byte;
  }
  return to;
}

function unescapeBytes(data: Uint8Array, start: number, end: number): Uint8Array {
  const field = data.subarray(start, end);
  if (field.indexOf(BACKSLASH) < 0) return field;
  const plain = new Uint8Array(field.length);
  let to = 0;
  for (let at = 0; at < field.length; at++) {
    if (field[at] === BACKSLASH && ++at === field.length) break;
    plain[to++] = field[at] as number;
  }
  return plain.subarray(0, to);
}
