/** The part of Node's buffer module that is used where it is there. */
interface NativeText {
  isUtf8(bytes: Uint8Array): boolean;
}

const encoder = new TextEncoder();
// A byte order mark is part of the text: nothing that came in may be lost on the way out.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Whether `bytes` are UTF-8 throughout: no overlong forms, no surrogates, nothing cut off. */
// Pure: bundlers leave it out where nobody asks.
export const isUtf8: (bytes: Uint8Array) => boolean = /* @__PURE__ */ nativeCheck() ?? decodes;

function nativeCheck(): NativeText["isUtf8"] | undefined {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (id: string) => NativeText | undefined };
  };
  return process?.getBuiltinModule?.("node:buffer")?.isUtf8;
}

function decodes(bytes: Uint8Array): boolean {
  return decodeText(bytes) !== undefined;
}

/** Decodes UTF-8; `undefined` where `bytes` are not UTF-8 throughout. A byte order mark is kept. */
export function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Encodes `text` as UTF-8. A lone surrogate becomes U+FFFD, as everywhere in the platform. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

const INTEGER = /^(?:0|-?[1-9][0-9]*)$/;

/** Reads a decimal integer in its one strict form (`0|-?[1-9][0-9]*`) and within 2^53; `undefined` for all else. */
export function parseInteger(text: string): number | undefined {
  if (!INTEGER.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
