import type { LifelineOptions } from "./reconnect.ts";

export interface ConnectOptions {
  /** `tcp://host:port`, `tls://host:port`, `ws://host:port/path` or `wss://host:port/path`; in browsers the last two. */
  url: string;
  /** Whom to trust over TLS, instead of the system's authorities. Not in browsers. */
  tls?: TlsOptions;
  signal?: AbortSignal;
}

export interface TlsOptions {
  /** Certificates, as PEM, that the server's is to be signed by. */
  ca?: string;
  /** The name that the server's certificate is to be for. Default: the host of the URL. */
  servername?: string;
  /** The SHA-256 of the server's certificate, 64 hex digits: this one is trusted, whoever signed it, and no other. */
  pin?: string;
}

/** What the clients of all protocols take. */
export type ClientOptions = ConnectOptions & Omit<LifelineOptions, "connect">;

/** Reads the URL to connect to. @throws {TypeError} where it is none, or not of these schemes */
export function readUrl({ url: text }: ConnectOptions, schemes: readonly string[]): URL {
  const url = new URL(text);
  const forms = schemes.map((scheme) => `${scheme}://host:port${scheme.startsWith("ws") ? "/path" : ""}`);
  if (!schemes.some((scheme) => url.protocol === `${scheme}:`)) {
    throw new TypeError(`${url.protocol}// is not served here; use ${forms.join(" or ")}`);
  }
  // Those of the web have ports of their own.
  if (url.port === "" && !url.protocol.startsWith("ws")) {
    throw new TypeError(`${text} names no port; use ${url.protocol}//host:port`);
  }
  return url;
}
