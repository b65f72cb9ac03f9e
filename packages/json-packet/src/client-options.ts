import type { ClientOptions, LifelineOptions } from "@wireyard/transport";
import type { EncryptKeys } from "./keys.ts";

export interface JsonPacketClientOptions extends ClientOptions {
  /** Logs in with the handshake; needs `password` too. */
  username?: string;
  password?: string;
  /**
   * `optional`: packets are encrypted where the server can. `required`: a server that cannot is left. Default `off`, or
   * `required` where there is a `pin`.
   */
  encryption?: "off" | "optional" | "required";
  /** The fingerprint that the server's key must have: without it, encryption keeps out listeners, not impostors. */
  pin?: string;
  /** This client's RSA keys. Default: made once for the whole process. */
  encryptKeys?: EncryptKeys;
  /** Told what a bound handler threw. Default: standard error. */
  report?: (problem: string, error: unknown) => void;
}

/** A server's `error` packet in answer to a request. `code` is one of `ERRORS`. */
export class JsonPacketRefusal extends Error {
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.name = "JsonPacketRefusal";
    this.code = code;
  }
}

/** What a client is made of, besides its link. */
export type ClientSettings = LifelineOptions &
  Pick<JsonPacketClientOptions, "encryption" | "encryptKeys" | "pin" | "report">;

/** What an `error` packet's data say. */
export function refusalOf(data: unknown): JsonPacketRefusal {
  const { code, message } = (data ?? {}) as Record<string, unknown>;
  return new JsonPacketRefusal(String(code ?? "unknown"), String(message ?? "the server refused"));
}
