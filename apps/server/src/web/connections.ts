import type { Server } from "node:http";
import type { Socket } from "node:net";
import { addressKey, type Limits } from "@wireyard/session";

/** Browsers open six to one server; scrapers and probes one each. */
const MAX_HTTP = 256;
const MAX_HTTP_PER_IP = 64;

interface Counted {
  readonly address: string;
  kind: "new" | "http" | "gone";
}

/**
 * Counts the connections of the web port. One that has asked for nothing yet may become a WebSocket, and is held to the
 * limits of all connections; one that asks for pages is held to a small limit of its own; one that has become a
 * WebSocket is a session, and the hub counts it.
 */
export class HttpConnections {
  private readonly sockets = new Map<Socket, Counted>();
  private readonly counts = { new: new Map<string, number>(), http: new Map<string, number>() };
  private readonly totals = { new: 0, http: 0 };

  constructor(server: Server, limits: Pick<Limits, "maxConnections" | "connectionsPerIp">) {
    server.on("connection", (socket: Socket) => {
      const counted: Counted = { address: addressKey(socket.remoteAddress ?? ""), kind: "new" };
      if (!this.enter(counted, "new", limits.maxConnections, limits.connectionsPerIp)) {
        socket.destroy();
        return;
      }
      this.sockets.set(socket, counted);
      socket.once("close", () => this.leave(socket));
    });
  }

  /** Counts a connection as one for pages; tells whether there is room for it. */
  admit(socket: Socket): boolean {
    const counted = this.sockets.get(socket);
    if (counted === undefined || counted.kind === "http") return counted !== undefined;
    this.uncount(counted);
    return this.enter(counted, "http", MAX_HTTP, MAX_HTTP_PER_IP);
  }

  /** The connection is gone, or is no longer one of HTTP. */
  leave(socket: Socket): void {
    const counted = this.sockets.get(socket);
    if (counted === undefined) return;
    this.sockets.delete(socket);
    this.uncount(counted);
  }

  private enter(counted: Counted, kind: "new" | "http", most: number, mostPerIp: number): boolean {
    const counts = this.counts[kind];
    const here = counts.get(counted.address) ?? 0;
    if (this.totals[kind] >= most || here >= mostPerIp) {
      counted.kind = "gone";
      return false;
    }
    counted.kind = kind;
    counts.set(counted.address, here + 1);
    this.totals[kind]++;
    return true;
  }

  private uncount({ kind, address }: Counted): void {
    if (kind === "gone") return;
    const counts = this.counts[kind];
    const here = (counts.get(address) ?? 1) - 1;
    if (here === 0) counts.delete(address);
    else counts.set(address, here);
    this.totals[kind]--;
  }
}
