const SLAB_BYTES = 65_536;

// Pure: bundlers leave it out where nobody asks.
let slab = /* @__PURE__ */ new ArrayBuffer(SLAB_BYTES);
let used = 0;

/**
 * Memory for `bytes` bytes, out of a shared slab: a small array of its own costs a microsecond. Its contents are
 * zero, and it is never handed out again, so it may be kept; keeping a small piece for long keeps its slab.
 */
export function allocateBytes(bytes: number): Uint8Array {
  if (bytes > SLAB_BYTES >> 2) return new Uint8Array(bytes);
  if (used + bytes > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES);
    used = 0;
  }
  used += bytes;
  return new Uint8Array(slab, used - bytes, bytes);
}
