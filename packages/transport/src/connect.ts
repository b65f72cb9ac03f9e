import { ProtocolError } from "@wireyard/framing";
import { type ConnectOptions, readUrl } from "./client-options.ts";
import type { Link } from "./link.ts";
import { connectTcp } from "./tcp.ts";
import { connectTls, openTls } from "./tls-client.ts";
import { type ClientSocket, hostOf, openWebSocket } from "./websocket-client.ts";

/**
 * Connects a link to an address: `tcp://host:port`, `tls://host:port`, `ws://host:port/path` or `wss://host:port/path`.
 *
 * @throws {TypeError} where the URL is none, or of a scheme that is not served
 * @throws {ProtocolError} `bad_pin` where the server's certificate is not the pinned one
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; the signal's reason where it aborts
 */
export async function connect(options: ConnectOptions): Promise<Link> {
  const { tls, signal } = options;
  const url = readUrl(options, ["tcp", "tls", "ws", "wss"]);
  const target = { host: hostOf(url), port: Number(url.port), ...(signal && { signal }) };
  if (url.protocol === "tcp:") return connectTcp(target);
  if (url.protocol === "tls:") return connectTls({ ...target, ...(tls && { tls }) });
  try {
    return await openWebSocket(url, await webSocketMaker(url, tls), signal);
  } catch (error) {
    throw signal?.aborted ? error : withWhy(error as Error);
  }
}

/** Says why no WebSocket could be opened, as browsers do not: with Node's own code, such as ECONNREFUSED. */
function withWhy({ message, cause }: Error): Error {
  // Told as it is: by its class a client that comes back knows that to try again would fail in the same way.
  const wrong = protocolErrorIn(cause);
  if (wrong !== undefined) return wrong;
  const why = cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
  return Object.assign(new Error(message + why, { cause }), codeOf(cause));
}

function protocolErrorIn(error: unknown): ProtocolError | undefined {
  if (error instanceof ProtocolError) return error;
  return error instanceof Error ? protocolErrorIn(error.cause) : undefined;
}

function codeOf(error: unknown): { code?: string } {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  if (typeof code === "string") return { code };
  return cause === undefined ? {} : codeOf(cause);
}

/** Node's own WebSocket is not there in Node 20, can be told nothing of certificates, and does not say what failed. */
async function webSocketMaker(url: URL, tls: ConnectOptions["tls"]): Promise<() => ClientSocket> {
  const { WebSocket } = await import("ws");
  const target = { host: hostOf(url), port: Number(url.port || 443), ...(tls && { tls }) };
  const createConnection = tls && (() => openTls(target));
  return () =>
    new WebSocket(url, {
      perMessageDeflate: false,
      ...(createConnection && { createConnection }),
    }) as unknown as ClientSocket;
}
