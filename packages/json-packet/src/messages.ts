/** The actions that the protocol itself gives a meaning to. See PROTOCOL.md [JSON-3] and [JSON-4]. */
export const ACTIONS = {
  /** Opens the exchange, both ways; a client's may hold credentials. */
  handShake: "handShake",
  /** Answered with `PONG`. */
  ping: "PING",
  pong: "PONG",
  /** Answered in kind. */
  isAlive: "isAlive",
  /** The sender goes; the data are its reason. */
  disconnect: "disconnect",
  /** A packet was refused, or the connection ends. */
  error: "error",
  /** Holds another packet, encrypted. */
  encrypted: "encrypted",
  /** A command from a user of any protocol. */
  send: "send",
  /** A message to a room or group that the client is in. */
  message: "message",
  joined: "joined",
  left: "left",
  master: "master",
} as const;

/** Data of a client's `handShake`: anything, and these where it logs in. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Data of a server's `handShake` to a client that sent a `publicKey`: how to encrypt. See PROTOCOL.md [JSON-8.2]. */
export interface KeyOffer {
  readonly status: "continue";
  /** The server's public key: SPKI as base64url. */
  readonly publicKey: string;
  /** The server's secret, wrapped to the client's public key. */
  readonly key: string;
}

/** What a server says by itself: `action` and `data` of its packets. See PROTOCOL.md [JSON-4]. */
export type ServerMessage =
  | {
      readonly action: "handShake";
      readonly data: { readonly status: "success"; readonly uuid: string; readonly remoteToken: string };
    }
  | { readonly action: "handShake"; readonly data: KeyOffer }
  | { readonly action: "disconnect"; readonly data: string }
  | { readonly action: "error"; readonly data: { readonly code: ErrorCode; readonly message: string } }
  | { readonly action: "send"; readonly data: { readonly from: string; readonly fields: readonly string[] } }
  | { readonly action: "message"; readonly data: { readonly from: number; readonly body: string } }
  | {
      readonly action: "joined" | "left" | "master";
      readonly data: { readonly room: string; readonly id: number; readonly name: string };
    };

/** Every error a server can answer, and what it means: the one list that code, documents and tests read. */
export const ERRORS = {
  missing_field:
    "a field that the packet needs is absent, or not of its type, or the data are not what the action takes; the message names it",
  not_registered: "shake hands first: a packet with the action handShake",
  bad_token: "the token is not the one that the handshake gave to this connection",
  unknown_action: "no handler is bound to this action",
  wrong_user_or_password: "the user does not exist or the password is wrong; another handShake may try again",
  rate_limited: "too much at once; try again later",
  unhandled: "the handler of the action failed",
  timeout: "the handler took too long; or, and then the connection closes, a packet or the next one did",
  bad_json: "the bytes are not a JSON object as it has to be; the connection closes",
  too_long: "the packet is longer than allowed; the connection closes",
  too_deep: "the packet is nested deeper than 32; the connection closes",
  bad_encryption: "the packet is not encrypted as this connection needs it; the connection closes",
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** The name and password in the data of a handshake; `undefined` where there are none. */
export function credentialsOf(data: unknown): Credentials | undefined {
  const { username, password } = (data ?? {}) as Record<string, unknown>;
  return typeof username === "string" && typeof password === "string" ? { username, password } : undefined;
}

/** What the fields of a packet are to be, for those who left one out. */
export const FIELD_FORMS = {
  action: "a packet names its action, a string",
  data: "a packet has data, any JSON, null too",
  "packet-created": "a packet tells when it was created, in seconds since the epoch, a number",
  token: "a packet has the token of its connection, a string",
} as const;
