export {
  argumentBytes,
  argumentTexts,
  commandName,
  decodeClientMessage,
  decodeServerMessage,
  encodeFields,
  encodeReply,
  encodeSend,
  encodeServerMessage,
  requestId,
} from "./codec.ts";
export { CommaConnection, type CommaConnectionOptions } from "./connection.ts";
export {
  type ClientMessage,
  type CommandMessage,
  ERRORS,
  type ErrorCode,
  type InvalidMessage,
  type ServerMessage,
} from "./messages.ts";
