export type { ActionHandler } from "./actions.ts";
export { createPacket, decodePacket, PacketEncoder } from "./codec.ts";
export { JsonPacketConnection, type JsonPacketConnectionOptions } from "./connection.ts";
export { ACTIONS, type Credentials, ERRORS, type ErrorCode, type ServerMessage } from "./messages.ts";
export { type Field, type Packet, RawJson } from "./packet.ts";
