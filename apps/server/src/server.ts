import { openPostgresAccounts, openSqliteAccounts } from "@wireyard/accounts-sql";
import { redisBackplane } from "@wireyard/backplane-redis";
import { type AccountStore, type Backplane, createHub, type Hub } from "@wireyard/session";
import {
  type Listener,
  listenTcp,
  listenTls,
  listenUdp,
  type StreamService,
  type TlsListener,
} from "@wireyard/transport";
import { type Logger, pino } from "pino";
import { readCertificate, reloadCertificate } from "./certificate.ts";
import type { Config, ProtocolName } from "./config/schema.ts";
import { closeSessions } from "./drain.ts";
import { Failure } from "./errors.ts";
import { addressOf, type Bound, takePort } from "./listen.ts";
import { MOUNTS, type ProtocolService } from "./mounts.ts";
import { startWeb, type Web } from "./web/web.ts";

/** The ports of each protocol that is served. */
export type Ports = { [Name in ProtocolName]?: { tcp: number; tls?: number; udp?: number } };

export interface RunningServer {
  readonly ports: Ports;
  /** The address that the ports listen on. */
  readonly host: string;
  readonly hub: Hub;
  /** The web port, where there is one. */
  readonly web?: Pick<Web, "port" | "adminUrl"> | undefined;
  /** Takes over what of a configuration can change while it serves; what cannot be used is logged. */
  reload(config: Config): Promise<void>;
  /** Stops accepting, closes the sessions over `drainMs`, waits for their links, then closes everything else. */
  close(): Promise<void>;
}

export interface StartOptions {
  log?: Logger;
  /** Begins what SIGTERM begins: the console can ask for it. Default: `close`. */
  drain?: () => void;
  /** Ends the wait for an account store that does not answer yet. */
  signal?: AbortSignal;
}

/** How long links may take to go after the last was told to: a request is still answered, and a link lingers 2 s. */
const LAST_WORDS_MS = 3_000;

/**
 * Serves what a configuration asks for, until `close`.
 *
 * @throws {Failure} where accounts cannot be opened, a certificate or a module not be used, or a port not be had; nothing
 *   is left open then
 */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const log = options.log ?? pino({ level: "silent" });
  const host = await addressOf(config.host);
  const wantsTls = Object.values(config.protocols).some(
    ({ port, tlsPort }) => port !== null && tlsPort !== null,
  );
  const certificate = wantsTls ? readCertificate(config.tls, log) : undefined;
  const hub = createHub({
    accounts: await openAccounts(config.accounts, log, options.signal),
    ...openBackplane(config, log),
    limits: config.limits,
    report: (problem, err) => log.error({ err }, problem),
  });
  const streams: Listener[] = [];
  const secure: TlsListener[] = [];
  const datagrams: Bound[] = [];
  const reloads: ((config: Config) => Promise<void> | undefined)[] = [];
  const ports: Ports = {};
  const services: Partial<Record<ProtocolName, StreamService>> = {};
  let web: Web | undefined;

  async function serve<Name extends ProtocolName>(name: Name): Promise<void> {
    const options = config.protocols[name];
    const { port, tlsPort } = options;
    const { udpPort = null } = options as { udpPort?: number | null };
    if (port === null) return;
    const service: ProtocolService<Name> = await MOUNTS[name](hub, options, log);
    services[name] = service;
    reloads.push((next) => service.reload?.(next.protocols[name]));
    const key = `protocols.${name}`;
    const maxQueuedBytes = config.limits.outboundBytes;
    const stream = await takePort(`${key}.port`, { host, port }, (at) =>
      listenTcp(service, { ...at, maxQueuedBytes }),
    );
    streams.push(stream);
    const bound: Ports[ProtocolName] = { tcp: stream.port };
    ports[name] = bound;
    if (tlsPort !== null && certificate !== undefined) {
      const admits = (address: string, waiting: number): boolean => hub.hasRoomFor(address, waiting);
      const listener = await takePort(`${key}.tlsPort`, { host, port: tlsPort }, (at) =>
        listenTls(service, { ...at, ...certificate, maxQueuedBytes, admits }),
      );
      streams.push(listener);
      secure.push(listener);
      bound.tls = listener.port;
    }
    const { datagrams: datagramService } = service;
    if (udpPort === null || datagramService === undefined) return;
    const socket = await takePort(`${key}.udpPort`, { host, port: udpPort }, (at) =>
      listenUdp(datagramService, at),
    );
    datagrams.push(socket);
    bound.udp = socket.port;
  }

  async function close(drainMs: number, lastWordsMs: number): Promise<void> {
    for (const stream of streams) stream.close();
    web?.drain();
    await closeSessions(hub, drainMs, "the server is shutting down");
    const listeners = web === undefined ? streams : [...streams, web];
    const cut = await Promise.all(listeners.map((listener) => listener.gone(lastWordsMs)));
    const links = cut.reduce((sum, count) => sum + count, 0);
    if (links > 0) log.warn({ links }, "links were cut that did not close in time");
    for (const socket of datagrams) socket.close();
    await web?.close();
    await hub.shutdown();
  }

  let closing: Promise<void> | undefined;
  function closeOnce(): Promise<void> {
    closing ??= close(config.drainMs, LAST_WORDS_MS);
    return closing;
  }

  try {
    if (config.backplane !== null) await reachBackplane(hub, config.backplane);
    for (const name of Object.keys(MOUNTS) as ProtocolName[]) await serve(name);
    if (streams.length === 0)
      throw new Failure("protocols: every port is null, so there is nothing to serve");
    if (config.web.port !== null) {
      const drain = options.drain ?? (() => void closeOnce());
      web = await startWeb({ config, hub, log, host, protocols: ports, services, drain });
    }
  } catch (error) {
    await close(0, 0);
    throw error;
  }
  return {
    ports,
    host,
    hub,
    web,
    async reload(next) {
      if (secure.length > 0) reloadCertificate(secure, next.tls, log);
      for (const reload of reloads) await reload(next);
    },
    close: closeOnce,
  };
}

async function openAccounts(url: string, log: Logger, signal?: AbortSignal): Promise<AccountStore> {
  try {
    if (url.startsWith("sqlite:")) return await openSqliteAccounts({ file: url.slice("sqlite:".length) });
    const report = (problem: string, err: unknown): void => log.warn({ err }, problem);
    return await openPostgresAccounts({ url, report, signal });
  } catch (error) {
    throw new Failure(`accounts: ${(error as Error).message}`, { cause: error });
  }
}

function openBackplane(config: Config, log: Logger): { backplane?: Backplane } {
  const { backplane: url, node } = config;
  if (url === null) return {};
  if (config.accounts.startsWith("sqlite:")) {
    log.warn("accounts in a SQLite file are known to this node alone; the other nodes have theirs");
  }
  const report = (problem: string, err?: unknown): void => {
    if (err === undefined) log.info(problem);
    else log.error({ err }, problem);
  };
  return {
    backplane: redisBackplane({
      url,
      leaseMs: node.leaseMs,
      ...(node.id !== null && { nodeId: node.id }),
      report,
    }),
  };
}

/** Ids and rooms are shared from the first connection on: a node that cannot share them does not start. */
async function reachBackplane(hub: Hub, url: string): Promise<void> {
  try {
    await hub.check();
  } catch (error) {
    throw new Failure(
      `backplane: ${new URL(url).host} cannot be used; is Redis or Valkey 7 or later running there?`,
      {
        cause: error,
      },
    );
  }
}
