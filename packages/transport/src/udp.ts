import { createSocket, type RemoteInfo } from "node:dgram";
import { lookup } from "node:dns";
import { isIP, isIPv6 } from "node:net";
import type { ListenOptions } from "./link.ts";
import { TICK_INTERVAL_MS } from "./link.ts";

/** A bound socket for datagrams. */
export interface DatagramSocket {
  readonly port: number;
  /** Sends one datagram, or drops it where the queue is full: datagrams may be lost. */
  send(bytes: Uint8Array, address: string, port: number): void;
  close(): void;
}

/** What serves the datagrams of a socket. */
export interface DatagramService {
  /** Called once, before the first datagram. */
  bound(socket: DatagramSocket): void;
  /** One datagram came in. Lent for the call. */
  datagram(bytes: Uint8Array, address: string, port: number): void;
  tick(): void;
  /** Told of what went wrong on the socket, or in `datagram`; the socket goes on. */
  failed(error: unknown): void;
}

/** A socket for the datagrams that go to one address and come from it: a client's. */
export interface DatagramLink {
  /** Sends one datagram, or drops it where the queue is full: datagrams may be lost. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** What a datagram link tells its owner. */
export interface DatagramHandlers {
  /** One datagram came in. Lent for the call. */
  datagram(bytes: Uint8Array): void;
  /** Told of what went wrong, such as that nothing listens there; the link goes on. */
  failed(error: unknown): void;
}

const MAX_QUEUED_BYTES = 1_048_576;
/** The queue is looked at once for so many bytes: nearly always it is empty, and looking is a call out of JavaScript. */
const LOOK_EVERY_BYTES = 65_536;

/**
 * Serves datagrams over UDP.
 *
 * @throws {Error} with Node's `code`, such as `EADDRINUSE`, where the port cannot be had
 */
export function listenUdp(service: DatagramService, options: ListenOptions): Promise<DatagramSocket> {
  const host = options.host ?? "127.0.0.1";
  const family = isIPv6(host) ? "udp6" : "udp4";
  const socket = createSocket({
    type: family,
    // Where datagrams go is always an address: asking the resolver for it would cost a turn of the loop each.
    lookup: (host, options, callback) => {
      if (isIP(host) === 0) lookup(host, options, callback);
      else callback(null, host, isIP(host));
    },
  });
  let sentUnseen = 0;
  socket.on("message", (bytes: Uint8Array, from: RemoteInfo) => {
    // Whatever a datagram holds, the socket goes on for the others.
    try {
      service.datagram(bytes, from.address, from.port);
    } catch (error) {
      service.failed(error);
    }
  });
  return new Promise((resolve, reject) => {
    const refuse = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once("error", refuse);
    socket.bind({ address: host, port: options.port, exclusive: true }, () => {
      socket.off("error", refuse);
      socket.on("error", (error) => service.failed(error));
      const ticking = setInterval(() => service.tick(), TICK_INTERVAL_MS);
      const bound: DatagramSocket = {
        port: socket.address().port,
        send(bytes, address, port) {
          sentUnseen += bytes.length;
          if (sentUnseen > LOOK_EVERY_BYTES) {
            if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
            sentUnseen = 0;
          }
          // Without a callback, which would cost a turn of the loop each: one that could not be sent is one lost.
          socket.send(bytes, port, address);
        },
        close() {
          clearInterval(ticking);
          socket.close();
        },
      };
      service.bound(bound);
      resolve(bound);
    });
  });
}

/**
 * Opens a link for datagrams to an address and port, which no other address can send to. Nothing goes out yet: UDP does
 * not tell whether anybody is there.
 *
 * @param options.address an IP address, such as a stream link's `remoteAddress`
 * @throws {Error} with Node's `code`, such as `ENETUNREACH`
 */
export function connectUdp(
  options: { address: string; port: number },
  handlers: DatagramHandlers,
): Promise<DatagramLink> {
  const socket = createSocket(isIPv6(options.address) ? "udp6" : "udp4");
  socket.on("message", (bytes: Uint8Array) => {
    try {
      handlers.datagram(bytes);
    } catch (error) {
      handlers.failed(error);
    }
  });
  const sent = (error: Error | null): void => {
    if (error !== null) handlers.failed(error);
  };
  let open = true;
  const link: DatagramLink = {
    send(bytes) {
      if (open && socket.getSendQueueSize() <= MAX_QUEUED_BYTES) socket.send(bytes, sent);
    },
    close() {
      if (open) socket.close();
      open = false;
    },
  };
  return new Promise((resolve, reject) => {
    // Node calls this with an error where it cannot connect, which its types do not know.
    const connected = (error?: Error): void => {
      if (error === undefined) {
        resolve(link);
        return;
      }
      link.close();
      reject(error);
    };
    socket.on("error", (error) => handlers.failed(error));
    socket.connect(options.port, options.address, connected);
  });
}
