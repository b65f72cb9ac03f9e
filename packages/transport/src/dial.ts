import type { Socket } from "node:net";
import type { Link } from "./link.ts";
import { DEFAULT_MAX_QUEUED_BYTES, SocketLink } from "./socket-link.ts";

export interface DialOptions {
  maxQueuedBytes?: number;
  signal?: AbortSignal;
}

/**
 * Opens a socket, and makes a link of it once it is connected.
 *
 * @param connected the socket's event that tells so; where the socket is destroyed by then, its error follows
 * @throws {Error} the socket's; the signal's reason where it aborts
 */
export async function dial(
  transport: "tcp" | "tls",
  connected: "connect" | "secureConnect",
  open: () => Socket,
  { signal, maxQueuedBytes = DEFAULT_MAX_QUEUED_BYTES }: DialOptions,
): Promise<Link> {
  signal?.throwIfAborted();
  const socket = open();
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      socket.destroy();
      reject(signal?.reason);
    };
    const refuse = (error: Error): void => {
      signal?.removeEventListener("abort", abort);
      reject(error);
    };
    signal?.addEventListener("abort", abort, { once: true });
    socket.once("error", refuse);
    socket.once(connected, () => {
      if (socket.destroyed) return;
      signal?.removeEventListener("abort", abort);
      socket.off("error", refuse);
      resolve(new SocketLink(socket, { transport, maxQueuedBytes, direct: false }));
    });
  });
}
