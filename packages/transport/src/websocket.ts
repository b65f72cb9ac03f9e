import type { IncomingMessage, Server } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { canBeDirect, directWorks } from "./direct.ts";
import { type StreamService, TICK_INTERVAL_MS } from "./link.ts";
import { gone } from "./listener.ts";
import { DEFAULT_MAX_QUEUED_BYTES } from "./socket-link.ts";
import { WebSocketLink } from "./websocket-link.ts";

/** Default pause between two pings to one peer, in milliseconds. */
export const DEFAULT_PING_INTERVAL_MS = 30_000;

export interface WebSocketOptions {
  /** What is served, by path: `{ "/ws/colon-relay": service }`. */
  mounts: Readonly<Record<string, StreamService>>;
  /** Whether a request may become a WebSocket, by its `Origin` and `Host`; `sameOrigin` makes one. */
  allows(request: IncomingMessage): boolean;
  /** Told when a request has become a WebSocket: its connection is HTTP's no more. */
  accepted?(socket: Socket): void;
  /** A reader with more than this queued is cut. Default 1 MiB. */
  maxQueuedBytes?: number;
  /** Pause between two pings to one peer; who leaves two unanswered is cut at the third. Default 30,000. */
  pingIntervalMs?: number;
  /** Whether to read and write past Node's stream machinery, where a self-test shows that it works. Default `true`. */
  direct?: boolean;
}

export interface WebSockets {
  /** Accepts no more: who asks is answered 503. Links that are open stay so. */
  close(): void;
  /** As `Listener.gone`, of the links that came this way. */
  gone(ms: number): Promise<number>;
}

/** Pings go out in that many portions: ten thousand at once would hold up everybody else. */
const PORTIONS = 16;
/** How long an answer may take to leave: Node waits for nobody any more whose request asked for an upgrade. */
const REFUSAL_MS = 2_000;

/**
 * Serves links over WebSocket, on a web server of somebody else's: takes all its requests for an upgrade. Binary
 * messages are bytes of a stream, text messages are their UTF-8 bytes; where a message ends means nothing.
 */
export async function acceptWebSockets(server: Server, options: WebSocketOptions): Promise<WebSockets> {
  const mayBeDirect = (options.direct ?? true) && (await directWorks());
  const acceptor = new Acceptor(options, mayBeDirect);
  server.on("upgrade", (request, socket, head) => acceptor.upgrade(request, socket, head));
  return acceptor;
}

/**
 * A rule for `allows`: what a browser sends must come from a page of this very server (`Origin` names the same host
 * and port as `Host`), or from one of `origins`. What is no browser sends no `Origin`, and may.
 */
export function sameOrigin(origins: readonly string[] = []): (request: IncomingMessage) => boolean {
  return ({ headers: { origin, host } }) => {
    if (origin === undefined || origins.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  };
}

/** What `ws` makes of a request once its handshake is done: nothing but the socket, which our own frames go over. */
class Upgraded extends WebSocket {
  socket: Socket | undefined;
  head: Uint8Array | undefined;

  setSocket(socket: Socket, head: Uint8Array): void {
    this.socket = socket;
    this.head = head;
  }
}

class Acceptor implements WebSockets {
  private readonly options: WebSocketOptions;
  private readonly mayBeDirect: boolean;
  private readonly links = new Set<WebSocketLink>();
  private readonly handshake = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    WebSocket: Upgraded,
    // None is needed: the path says what is spoken.
    handleProtocols: () => false,
  });
  private readonly timers: NodeJS.Timeout[];
  private turn = 0;
  private checked = 0;
  private isClosing = false;
  private tellEnded: () => void = () => {};
  private readonly ended = new Promise<void>((told) => {
    this.tellEnded = told;
  });

  constructor(options: WebSocketOptions, mayBeDirect: boolean) {
    this.options = options;
    this.mayBeDirect = mayBeDirect;
    const services = new Set(Object.values(options.mounts));
    const pingIntervalMs = options.pingIntervalMs ?? DEFAULT_PING_INTERVAL_MS;
    this.timers = [
      setInterval(() => {
        for (const service of services) service.tick();
      }, TICK_INTERVAL_MS),
      setInterval(() => this.checkLives(), pingIntervalMs / PORTIONS),
    ];
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // As Node 26 gives for a request whose body is still to come: one for a WebSocket has none.
    if (!(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    const late = setTimeout(() => socket.destroy(), REFUSAL_MS);
    const inTime = (): void => clearTimeout(late);
    socket.once("close", inTime);
    const [path = ""] = (request.url ?? "").split("?", 1);
    const { mounts, allows } = this.options;
    const service = Object.hasOwn(mounts, path) ? mounts[path] : undefined;
    if (this.isClosing) refuse(socket, "503 Service Unavailable", "the server is shutting down");
    else if (service === undefined)
      refuse(socket, "404 Not Found", `mounts are ${Object.keys(mounts).join(", ")}`);
    else if (!allows(request))
      refuse(socket, "403 Forbidden", "this Origin or Host may not use the WebSocket mounts");
    // What it refuses, it answers itself.
    else
      this.handshake.handleUpgrade(request, socket, head, (upgraded) => {
        inTime();
        socket.off("close", inTime);
        this.accept(service, upgraded);
      });
  }

  close(): void {
    this.isClosing = true;
    if (this.links.size === 0) this.end();
  }

  gone(ms: number): Promise<number> {
    return gone(this.ended, this.links, ms);
  }

  private accept(service: StreamService, upgraded: Upgraded): void {
    const socket = upgraded.socket as Socket;
    // A web server is in more of a hurry.
    socket.setTimeout(0);
    this.options.accepted?.(socket);
    this.turn = (this.turn + 1) % PORTIONS;
    const link = new WebSocketLink(socket, upgraded.head, {
      maxQueuedBytes: this.options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES,
      // The handle of a TLS socket looks the same, and is another.
      direct: this.mayBeDirect && !("encrypted" in socket) && canBeDirect(socket),
      turn: this.turn,
      owner: this,
    });
    this.links.add(link);
    service.accept(link);
  }

  /** From a link: it is gone. */
  left(link: WebSocketLink): void {
    this.links.delete(link);
    if (this.isClosing && this.links.size === 0) this.end();
  }

  private end(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.tellEnded();
  }

  private checkLives(): void {
    this.checked = (this.checked + 1) % PORTIONS;
    for (const link of this.links) if (link.turn === this.checked) link.checkLife();
  }
}

/** Answers a request that becomes no WebSocket, in words, and closes. */
function refuse(socket: Socket, status: string, text: string): void {
  // A reset now is one of the ways to go.
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  const headers = ["Connection: close", "Content-Type: text/plain", `Content-Length: ${text.length + 1}`];
  socket.end(`HTTP/1.1 ${status}\r\n${headers.join("\r\n")}\r\n\r\n${text}\n`);
}
