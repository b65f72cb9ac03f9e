import { decodeText } from "./text.ts";

/** The part of Node's buffer module that is used where it is there. */
interface NativeText {
  isUtf8(bytes: Uint8Array): boolean;
}

const native = (
  globalThis as { process?: { getBuiltinModule?: (id: string) => NativeText | undefined } }
).process?.getBuiltinModule?.("node:buffer");

/** Whether `bytes` are UTF-8 throughout: no overlong forms, no surrogates, nothing cut off. */
export const isUtf8: (bytes: Uint8Array) => boolean = native?.isUtf8 ?? decodes;

function decodes(bytes: Uint8Array): boolean {
  return decodeText(bytes) !== undefined;
}
