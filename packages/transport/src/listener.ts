import type { Server, Socket } from "node:net";
import { type Listener, type ListenOptions, type StreamService, TICK_INTERVAL_MS } from "./link.ts";

const BACKLOG = 4_096;

/**
 * Takes a port for a server whose links are in `open`, and ticks its service until the last of them is gone.
 *
 * @throws {Error} with Node's `code`, such as `EADDRINUSE`, where the port cannot be had
 */
export function listen(
  server: Server,
  service: StreamService,
  options: ListenOptions,
  open: ReadonlySet<Socket>,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.host ?? "127.0.0.1", port: options.port, backlog: BACKLOG }, () => {
      server.off("error", reject);
      // An accept that failed is one link less, not the end of the process.
      server.on("error", (error) => service.failed?.(error));
      const ticking = setInterval(() => service.tick(), TICK_INTERVAL_MS);
      // Told by Node when it has stopped accepting and the last link is gone.
      const ended = new Promise<void>((told) => server.once("close", told));
      // Until then deadlines run out.
      ended.then(() => clearInterval(ticking));
      resolve({
        port: (server.address() as { port: number }).port,
        close: () => void server.close(),
        gone: (ms) => gone(ended, open, ms),
      });
    });
  });
}

/** Waits until the last link is gone; after `ms` milliseconds cuts what is left, and tells how many those were. */
export async function gone(
  ended: Promise<void>,
  open: ReadonlySet<{ destroy(): unknown }>,
  ms: number,
): Promise<number> {
  let cut = 0;
  const late = setTimeout(() => {
    cut = open.size;
    for (const one of open) one.destroy();
  }, ms);
  await ended;
  clearTimeout(late);
  return cut;
}
