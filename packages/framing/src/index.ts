export type { FrameDecoder } from "./decoder.ts";
export { ProtocolError } from "./errors.ts";
export { HttpGuard } from "./http-guard.ts";
export { JsonObjectDecoder, MAX_JSON_DEPTH } from "./json-values.ts";
export { encodeLengthNul, LengthNulDecoder, writeLengthNulHeader } from "./length-nul.ts";
export { encodeLine, LineDecoder } from "./lines.ts";
export { allocateBytes } from "./memory.ts";
export { decodeText, encodeText, isUtf8, parseInteger } from "./text.ts";
export {
  encodeVarIntFrame,
  MAX_VARINT_BYTES,
  readVarInt,
  VarIntFrameDecoder,
  varIntSize,
  writeVarInt,
} from "./varint.ts";
