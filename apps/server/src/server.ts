import { openSqliteAccounts } from "@wireyard/accounts-sql";
import { type AccountStore, createHub, type Hub } from "@wireyard/session";
import { type Listener, listenTcp, listenUdp } from "@wireyard/transport";
import { type Logger, pino } from "pino";
import type { Config, ProtocolName } from "./config/schema.ts";
import { closeSessions } from "./drain.ts";
import { Failure } from "./errors.ts";
import { addressOf, type Bound, takePort } from "./listen.ts";
import { MOUNTS, type ProtocolService } from "./mounts.ts";

/** The ports of each protocol that is served. */
export type Ports = { [Name in ProtocolName]?: { tcp: number; udp?: number } };

export interface RunningServer {
  readonly ports: Ports;
  /** The address that the ports listen on. */
  readonly host: string;
  readonly hub: Hub;
  /** Takes over what of a configuration can change while it serves; what cannot be used is logged. */
  reload(config: Config): Promise<void>;
  /** Stops accepting, closes the sessions over `drainMs`, waits for their links, then closes everything else. */
  close(): Promise<void>;
}

/** How long links may take to go after the last was told to: a request is still answered, and a link lingers 2 s. */
const LAST_WORDS_MS = 3_000;

/**
 * Serves what a configuration asks for, until `close`.
 *
 * @throws {Failure} where accounts cannot be opened, a module not be used or a port not be had; nothing is left open then
 */
export async function startServer(config: Config, options: { log?: Logger } = {}): Promise<RunningServer> {
  const log = options.log ?? pino({ level: "silent" });
  const host = await addressOf(config.host);
  const hub = createHub({
    accounts: await openAccounts(config.accounts),
    limits: config.limits,
    report: (problem, err) => log.error({ err }, problem),
  });
  const streams: Listener[] = [];
  const datagrams: Bound[] = [];
  const reloads: ((config: Config) => Promise<void> | undefined)[] = [];
  const ports: Ports = {};

  async function serve<Name extends ProtocolName>(name: Name): Promise<void> {
    const options = config.protocols[name];
    const { port, udpPort = null } = options as { port: number | null; udpPort?: number | null };
    if (port === null) return;
    const service: ProtocolService<Name> = await MOUNTS[name](hub, options, log);
    reloads.push((next) => service.reload?.(next.protocols[name]));
    const key = `protocols.${name}`;
    const stream = await takePort(`${key}.port`, { host, port }, (at) =>
      listenTcp(service, { ...at, maxQueuedBytes: config.limits.outboundBytes }),
    );
    streams.push(stream);
    ports[name] = { tcp: stream.port };
    const { datagrams: datagramService } = service;
    if (udpPort === null || datagramService === undefined) return;
    const socket = await takePort(`${key}.udpPort`, { host, port: udpPort }, (at) =>
      listenUdp(datagramService, at),
    );
    datagrams.push(socket);
    ports[name] = { tcp: stream.port, udp: socket.port };
  }

  async function close(drainMs: number, lastWordsMs: number): Promise<void> {
    for (const stream of streams) stream.close();
    await closeSessions(hub, drainMs, "the server is shutting down");
    const cut = await Promise.all(streams.map((stream) => stream.gone(lastWordsMs)));
    const links = cut.reduce((sum, count) => sum + count, 0);
    if (links > 0) log.warn({ links }, "links were cut that did not close in time");
    for (const socket of datagrams) socket.close();
    await hub.shutdown();
  }

  try {
    for (const name of Object.keys(MOUNTS) as ProtocolName[]) await serve(name);
    if (streams.length === 0)
      throw new Failure("protocols: every port is null, so there is nothing to serve");
  } catch (error) {
    await close(0, 0);
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    ports,
    host,
    hub,
    async reload(next) {
      for (const reload of reloads) await reload(next);
    },
    close() {
      closing ??= close(config.drainMs, LAST_WORDS_MS);
      return closing;
    },
  };
}

async function openAccounts(url: string): Promise<AccountStore> {
  try {
    return await openSqliteAccounts({ file: url.slice("sqlite:".length) });
  } catch (error) {
    throw new Failure(`accounts: ${(error as Error).message}`, { cause: error });
  }
}
