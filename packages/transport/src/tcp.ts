import { createConnection, createServer, type Socket } from "node:net";
import { type DialOptions, dial } from "./dial.ts";
import { canBeDirect, directWorks } from "./direct.ts";
import type { Link, Listener, ListenOptions, StreamService } from "./link.ts";
import { listen } from "./listener.ts";
import { DEFAULT_MAX_QUEUED_BYTES, SocketLink } from "./socket-link.ts";

/**
 * Serves links over TCP.
 *
 * @throws {Error} with Node's `code`, such as `EADDRINUSE`, where the port cannot be had
 */
export async function listenTcp(service: StreamService, options: ListenOptions): Promise<Listener> {
  const maxQueuedBytes = options.maxQueuedBytes ?? DEFAULT_MAX_QUEUED_BYTES;
  const mayBeDirect = (options.direct ?? true) && (await directWorks());
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    const direct = mayBeDirect && canBeDirect(socket);
    service.accept(new SocketLink(socket, { transport: "tcp", maxQueuedBytes, direct, open }));
  });
  return listen(server, service, options, open);
}

/**
 * Connects a link over TCP.
 *
 * @throws {Error} with Node's `code`, such as `ECONNREFUSED`; the signal's reason where it aborts
 */
export function connectTcp(options: { host: string; port: number } & DialOptions): Promise<Link> {
  const { host, port } = options;
  const open = (): Socket => createConnection({ host, port, allowHalfOpen: true, noDelay: true });
  return dial("tcp", "connect", open, options);
}
