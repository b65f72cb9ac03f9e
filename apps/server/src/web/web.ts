import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { RedisBackplane } from "@wireyard/backplane-redis";
import type { Hub } from "@wireyard/session";
import type { StreamService } from "@wireyard/transport";
import { acceptWebSockets, type WebSockets } from "@wireyard/transport/websocket";
import type { Logger } from "pino";
import type { Config } from "../config/schema.ts";
import { type Bound, bracketed, reachable, takePort } from "../listen.ts";
import type { RecentLog } from "../recent-log.ts";
import { VERSION } from "../version.ts";
import { AdminToken, tokenFileOf } from "./admin-token.ts";
import { createApp } from "./app.ts";
import { HttpConnections } from "./connections.ts";
import type { ProtocolPorts, WebContext } from "./context.ts";
import { examplesSource } from "./examples.ts";
import { History } from "./history.ts";
import { Logins } from "./logins.ts";
import { CONSOLE, Pages } from "./page.ts";
import { OriginPolicy } from "./policy.ts";
import { Readiness } from "./readiness.ts";

/** A request's head and its whole, a silent connection between two, and one that does not read. */
const TIMES = { headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000, timeout: 30_000 };
const MAX_HEADER_BYTES = 8_192;
const MAX_HEADERS = 64;
/** How long answers may take to leave when the server ends. */
const LAST_WORDS_MS = 1_000;

export interface WebOptions {
  readonly config: Config;
  /** What operators call this node. */
  readonly node: string;
  readonly hub: Hub;
  /** What the hub shares with other nodes, where there are any. */
  readonly backplane?: Pick<RedisBackplane, "counters">;
  readonly log: Logger;
  /** What it wrote last. */
  readonly recent: RecentLog;
  /** The address that the ports listen on. */
  readonly host: string;
  /** The ports of every protocol that is served. */
  readonly protocols: Readonly<Record<string, ProtocolPorts>>;
  /** What is served over WebSocket, by protocol. */
  readonly services: Readonly<Record<string, StreamService>>;
  /** Begins what SIGTERM begins. */
  readonly drain: () => void;
  readonly times?: Partial<typeof TIMES>;
}

export interface Web {
  readonly port: number;
  /** Where a browser logs in, with the token: only where that was made just now, and not again. */
  readonly adminUrl: string | undefined;
  /** Accepts no WebSocket more, and tells that the server is not ready. */
  drain(): void;
  /** Waits until the WebSockets are gone, `ms` milliseconds at the most; tells how many were cut. */
  gone(ms: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * Serves the web port: console, API, metrics, probes, and the protocols over WebSocket.
 *
 * @throws {Failure} where the port or the token's file cannot be had; nothing is left open then
 */
export async function startWeb(options: WebOptions): Promise<Web> {
  const { config, node, hub, log, host, protocols } = options;
  const token = new AdminToken(tokenFileOf(config));
  const times = { ...TIMES, ...options.times };
  const server = createServer({
    ...times,
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: 1_000,
    shouldUpgradeCallback: asksForWebSocket,
  });
  server.maxHeadersCount = MAX_HEADERS;
  server.timeout = times.timeout;
  const connections = new HttpConnections(server, hub.limits);
  const bound = await takePort("web.port", { host, port: config.web.port as number }, (at) =>
    listen(server, at),
  );
  const { port } = bound;
  const examples = examplesSource();
  const context: WebContext = {
    hub,
    backplane: options.backplane,
    log,
    recent: options.recent,
    version: VERSION,
    node,
    startedAt: Math.round(Date.now() - process.uptime() * 1_000),
    protocols,
    port,
    policy: new OriginPolicy({ names: [config.host, host], origins: config.web.origins }),
    logins: new Logins(token),
    readiness: new Readiness(hub, (err) => log.warn({ err }, "not ready")),
    history: new History(hub.counters, Object.keys(protocols)),
    pages: new Pages(CONSOLE),
    examples: examples && new Pages(examples),
    drain: options.drain,
  };
  serveRequests(server, context, connections);
  const webSockets = await mountWebSockets(server, options, context, connections);

  const ended = new Promise<void>((told) => server.once("close", told));

  async function close(): Promise<void> {
    context.history.stop();
    context.pages.close();
    context.examples?.close();
    webSockets.close();
    bound.close();
    // Answers may leave yet.
    const late = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
    await ended;
    clearTimeout(late);
  }
  try {
    token.store();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    port,
    adminUrl: token.fresh && `http://${bracketed(reachable(config.host))}:${port}/login?token=${token.fresh}`,
    drain() {
      context.readiness.drain();
      webSockets.close();
    },
    gone: (ms) => webSockets.gone(ms),
    close,
  };
}

function listen(server: Server, at: { host: string; port: number }): Promise<Bound> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(at, () => {
      server.off("error", reject);
      resolve({ port: (server.address() as { port: number }).port, close: () => void server.close() });
    });
  });
}

/**
 * Whether a request is for a WebSocket, and not an ordinary one with an offer beside it: `h2c`, which is to be passed
 * over. One with a body is none either, and Node 26 has no socket to give for it.
 */
function asksForWebSocket({ headers }: IncomingMessage): boolean {
  if ("content-length" in headers || "transfer-encoding" in headers) return false;
  return /^websocket$/i.test(headers.upgrade ?? "");
}

function serveRequests(server: Server, context: WebContext, connections: HttpConnections): void {
  const app = createApp(context);
  const answer = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    // For HTTP/1.0 without a Host, which is how balancers probe.
    hostname: "localhost",
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (connections.admit(request.socket)) {
      void answer(request, response);
      return;
    }
    response.writeHead(503, { Connection: "close", "Retry-After": "5" });
    response.end("too many connections\n");
  });
}

function mountWebSockets(
  server: Server,
  { config, services }: WebOptions,
  { policy }: WebContext,
  connections: HttpConnections,
): Promise<WebSockets> {
  return acceptWebSockets(server, {
    mounts: Object.fromEntries(Object.entries(services).map(([name, service]) => [`/ws/${name}`, service])),
    allows: (request) => policy.allowsRequest(request),
    accepted: (socket) => connections.leave(socket),
    maxQueuedBytes: config.limits.outboundBytes,
  });
}
