/** What the hub says, in the protocol's words. */
import { decodeText } from "@wireyard/framing";
import type { HubEvent, RefusedError } from "@wireyard/session";
import type { ErrorCode, ServerMessage } from "./messages.ts";

/** What of the hub's events a client is told. [JSON-4.4] to [JSON-4.6] */
export function messageOf(event: HubEvent): ServerMessage {
  switch (event.type) {
    case "command":
      return { action: "send", data: { from: event.from, fields: event.fields.map(text) } };
    case "message":
      return { action: "message", data: { from: event.from.id, body: text(event.body) } };
    case "joined":
    case "left":
    case "master": {
      const { id, name } = event.member;
      return { action: event.type, data: { room: event.room, id, name } };
    }
  }
}

/** Decodes what the hub hands on, which is UTF-8: every protocol checks it. */
function text(bytes: Uint8Array): string {
  return decodeText(bytes) as string;
}

/** The protocol's words for what the core refuses. */
export function errorCode(error: RefusedError): ErrorCode {
  switch (error.code) {
    case "rate_limited":
    case "timeout":
    case "wrong_user_or_password":
      return error.code;
    case "unavailable":
      return "rate_limited";
    default:
      return "unhandled";
  }
}
