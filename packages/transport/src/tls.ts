import { createServer, type Socket } from "node:net";
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Listener, ListenOptions, StreamService } from "./link.ts";
import { listen } from "./listener.ts";
import { DEFAULT_MAX_QUEUED_BYTES, SocketLink } from "./socket-link.ts";

/** Default time for a handshake from the connection on, in total, in milliseconds. */
export const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
/** Handshakes at one time, of all peers together. Over that, the one that has taken longest makes room. */
const MAX_HANDSHAKES = 1_000;

/** What a TLS listener shows: PEM texts. */
export interface Certificate {
  /** The certificate, and behind it those that lead to its root. */
  cert: string | Uint8Array;
  key: string | Uint8Array;
}

export interface TlsListenOptions extends Omit<ListenOptions, "direct">, Certificate {
  /** Time for a handshake, in total, in milliseconds. Default 10,000. */
  handshakeTimeoutMs?: number;
  /**
   * Whether a handshake is worth beginning, with `waiting` others of that address begun: it costs a thousand times
   * what a message costs. Default: always.
   */
  admits?: (remoteAddress: string, waiting: number) => boolean;
  /** The part of an address that `waiting` counts by: the same one that `admits` counts by. Default: all of it. */
  addressKey?: (remoteAddress: string) => string;
}

export interface TlsListener extends Listener {
  /**
   * Shows another certificate from now on. Links that are open stay as they are.
   *
   * @throws {Error} where the two do not belong together, or are no PEM; the old one stays then
   */
  reload(certificate: Certificate): void;
}

/**
 * Serves links over TLS, 1.2 and newer.
 *
 * @throws {Error} with Node's `code`: where certificate or key cannot be used, or the port cannot be had
 */
export async function listenTls(service: StreamService, options: TlsListenOptions): Promise<TlsListener> {
  const { cert, key, maxQueuedBytes = DEFAULT_MAX_QUEUED_BYTES } = options;
  const open = new Set<Socket>();
  const handshakes = new Handshakes(options);
  // Shakes hands; the port is the other server's, which may refuse before anything is computed.
  const secure = createTlsServer(settings({ cert, key }), (socket) => {
    handshakes.done(socket);
    // Not before: who ends within the handshake is gone.
    socket.allowHalfOpen = true;
    open.add(socket);
    service.accept(new SocketLink(socket, { transport: "tls", maxQueuedBytes, direct: false, open }));
  });
  // A port scanner, or a client of plain TCP: nobody's fault, and nothing worth a line in a log.
  secure.on("tlsClientError", (_error, socket) => socket.destroy());
  const server = createServer({ noDelay: true }, (socket) => {
    if (handshakes.begin(socket)) secure.emit("connection", socket);
    else socket.destroy();
  });
  const listener = await listen(server, service, options, open);
  return {
    ...listener,
    close() {
      listener.close();
      handshakes.cut();
    },
    reload: (certificate) => secure.setSecureContext(settings(certificate)),
  };
}

/**
 * Whether a certificate and a key can be served with.
 *
 * @throws {Error} which says what is wrong with them
 */
export function checkCertificate(certificate: Certificate): void {
  createSecureContext(settings(certificate));
}

function settings({ cert, key }: Certificate): {
  cert: string | Buffer;
  key: string | Buffer;
  minVersion: "TLSv1.2";
} {
  const pem = (text: string | Uint8Array): string | Buffer =>
    typeof text === "string" ? text : Buffer.from(text);
  return { cert: pem(cert), key: pem(key), minVersion: "TLSv1.2" };
}

interface Handshake {
  readonly socket: Socket;
  readonly deadline: NodeJS.Timeout;
  /** What it is counted by. */
  readonly key: string;
}

/** The connections that shake hands, each until its deadline. */
class Handshakes {
  /** The oldest first. */
  private readonly sockets = new Map<string, Handshake>();
  private readonly waiting = new Map<string, number>();
  private readonly timeoutMs: number;
  private readonly admits: (remoteAddress: string, waiting: number) => boolean;
  private readonly keyOf: (remoteAddress: string) => string;

  constructor(options: Pick<TlsListenOptions, "handshakeTimeoutMs" | "admits" | "addressKey">) {
    this.timeoutMs = options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS;
    this.admits = options.admits ?? (() => true);
    this.keyOf = options.addressKey ?? ((address) => address);
  }

  /** Counts a connection, if its address may have one more. */
  begin(socket: Socket): boolean {
    const { remoteAddress: address } = socket;
    // Gone before we looked.
    if (address === undefined) return false;
    const key = this.keyOf(address);
    const waiting = this.waiting.get(key) ?? 0;
    if (!this.admits(address, waiting)) return false;
    if (this.sockets.size >= MAX_HANDSHAKES) this.cutOldest();
    this.waiting.set(key, (this.waiting.get(key) ?? 0) + 1);
    const name = nameOf(socket);
    const deadline = setTimeout(() => socket.destroy(), this.timeoutMs);
    this.sockets.set(name, { socket, deadline, key });
    socket.once("close", () => this.end(name));
    return true;
  }

  /** The handshake is done: `socket` is what was made of the connection. */
  done(socket: TLSSocket): void {
    this.end(nameOf(socket));
  }

  /** Closes every connection that has not shaken hands yet. */
  cut(): void {
    for (const { socket } of this.sockets.values()) socket.destroy();
  }

  /** Who comes in time is served, whatever others have begun: refusing the newest would keep everybody out. */
  private cutOldest(): void {
    for (const [name, { socket }] of this.sockets) {
      this.end(name);
      socket.destroy();
      return;
    }
  }

  private end(name: string): void {
    const handshake = this.sockets.get(name);
    if (handshake === undefined) return;
    this.sockets.delete(name);
    clearTimeout(handshake.deadline);
    const waiting = (this.waiting.get(handshake.key) ?? 1) - 1;
    if (waiting === 0) this.waiting.delete(handshake.key);
    else this.waiting.set(handshake.key, waiting);
  }
}

/** No two open connections to one port come from the same address and port. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
