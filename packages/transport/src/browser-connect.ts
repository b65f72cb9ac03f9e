import type { ConnectOptions } from "./client-options.ts";
import type { Link } from "./link.ts";
import { openWebSocket } from "./websocket-client.ts";

/**
 * Connects a link to `ws://host:port/path` or `wss://host:port/path`: browsers have no other sockets.
 *
 * @throws {TypeError} where the URL is none, or of another scheme
 * @throws {Error} where it cannot connect; the signal's reason where it aborts
 */
export async function connect({ url: text, tls, signal }: ConnectOptions): Promise<Link> {
  const url = new URL(text);
  if (!/^wss?:/.test(url.protocol)) {
    throw new TypeError(
      `${url.protocol}// is not served here; use ws://host:port/path or wss://host:port/path`,
    );
  }
  if (tls !== undefined) throw new TypeError("browsers take no tls");
  return openWebSocket(url, () => new WebSocket(url), signal);
}

/** Browsers have no UDP. @throws {Error} always */
export async function connectUdp(): Promise<never> {
  throw new Error("browsers have no UDP");
}
