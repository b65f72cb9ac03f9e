export {
  type Dialect,
  decodeClientDatagram,
  decodeClientMessage,
  decodeServerDatagram,
  decodeServerMessage,
  encodeClientDatagram,
  encodeClientMessage,
  encodeRelayed,
  encodeServerMessage,
} from "./codec.ts";
export { ColonConnection, type ColonConnectionOptions } from "./connection.ts";
export {
  type Audience,
  type ClientDatagram,
  type ClientMessage,
  ERRORS,
  type ErrorCode,
  type RoomCount,
  type ServerDatagram,
  type ServerMessage,
} from "./messages.ts";
