export type { ActionHandler } from "./actions.ts";
export type { BindOptions, SchemaOutput, StandardSchema } from "./binding.ts";
export { createPacket, decodePacket } from "./codec.ts";
export { JsonPacketConnection, type JsonPacketConnectionOptions } from "./connection.ts";
export { PacketEncoder } from "./encoder.ts";
export { createChannel, type EncryptChannel } from "./encryption.ts";
export {
  acceptOffer,
  type ClientExchange,
  type Direction,
  type DirectionKeys,
  offerKeys,
  type ServerExchange,
} from "./exchange.ts";
export {
  createEncryptKeys,
  type EncryptKeys,
  exportEncryptKeys,
  fingerprint,
  importEncryptKeys,
  type WebCryptoKey,
} from "./keys.ts";
export {
  ACTIONS,
  type Credentials,
  ERRORS,
  type ErrorCode,
  type KeyOffer,
  type ServerMessage,
} from "./messages.ts";
export { type Field, type Packet, RawJson } from "./packet.ts";
export { decryptPacket, encryptPacket } from "./packet-encryption.ts";
