import { UsageError } from "@wireyard/session";

/** Most bytes of an icon: as text it is a third more, and the status has room for 32,767 characters. */
export const MAX_FAVICON_BYTES = 16_384;

/** What every PNG starts with, and the head of its first chunk; width and height follow. */
const PNG_START = Uint8Array.of(
  0x89,
  0x50,
  0x4e,
  0x47,
  0x0d,
  0x0a,
  0x1a,
  0x0a,
  0,
  0,
  0,
  13,
  0x49,
  0x48,
  0x44,
  0x52,
);
const SIDE = 64;

/**
 * Makes the `favicon` of a status from the bytes of a PNG.
 *
 * @returns a `data:` URL
 * @throws {UsageError} where it is no PNG, not 64x64 pixels, or too large
 * @see PROTOCOL.md [VARINT-5.6]
 */
export function faviconUrl(png: Uint8Array): string {
  if (png.length < PNG_START.length + 8 || !PNG_START.every((byte, i) => png[i] === byte)) {
    throw new UsageError(`this is no PNG; the icon must be a PNG of ${SIDE}x${SIDE} pixels`);
  }
  const view = new DataView(png.buffer, png.byteOffset + PNG_START.length, 8);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (width !== SIDE || height !== SIDE) {
    throw new UsageError(`this PNG has ${width}x${height} pixels; the icon must have ${SIDE}x${SIDE}`);
  }
  if (png.length > MAX_FAVICON_BYTES) {
    throw new UsageError(`this PNG has ${png.length} bytes; the icon may have ${MAX_FAVICON_BYTES}`);
  }
  return `data:image/png;base64,${btoa(String.fromCharCode(...png))}`;
}
