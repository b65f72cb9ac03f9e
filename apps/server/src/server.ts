import { hostname } from "node:os";
import { openPostgresAccounts, openSqliteAccounts } from "@wireyard/accounts-sql";
import type { RedisBackplane } from "@wireyard/backplane-redis";
import { type AccountStore, addressKey, createHub, type Hub, type Secret } from "@wireyard/session";
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
import { type BackplaneTarget, backplaneTarget } from "./config/backplane-url.ts";
import type { Config, ProtocolName } from "./config/schema.ts";
import { dataFile, sqliteFile } from "./data-files.ts";
import { closeSessions, type DrainTimes, drainTimes } from "./drain.ts";
import { Failure } from "./errors.ts";
import { addressOf, type Bound, takePort } from "./listen.ts";
import { MOUNTS, type ProtocolKey, type ProtocolService } from "./mounts.ts";
import { RecentLog } from "./recent-log.ts";
import { startWeb, type Web } from "./web/web.ts";

/** The ports of each protocol that is served. */
export type Ports = { [Name in ProtocolName]?: { tcp: number; tls?: number; udp?: number } };

export interface RunningServer {
  readonly ports: Ports;
  /** Of protocols that have one by now. */
  readonly keys: { [Name in ProtocolName]?: ProtocolKey };
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
  /** The last lines of the log, for the console. Default: none. */
  recent?: RecentLog;
  /** Begins what SIGTERM begins: the console can ask for it. Default: `close`. */
  drain?: () => void;
  /** Ends the wait for an account store that does not answer yet. */
  signal?: AbortSignal;
}

/**
 * Serves what a configuration asks for, until `close`.
 *
 * @throws {Failure} where accounts cannot be opened, a certificate or a module not be used, or a port not be had; nothing
 *   is left open then
 */
export async function startServer(config: Config, options: StartOptions = {}): Promise<RunningServer> {
  const { log = pino({ level: "silent" }), recent = new RecentLog() } = options;
  const host = await addressOf(config.host);
  const wantsTls = Object.values(config.protocols).some(
    ({ port, tlsPort }) => port !== null && tlsPort !== null,
  );
  const certificate = wantsTls ? readCertificate(config.tls, log) : undefined;
  const node = config.node.id ?? `${hostname()}-${process.pid}`;
  const target = config.backplane === null ? undefined : backplaneTarget(config.backplane.reveal());
  const shared = await openBackplane(target, node, config, log);
  const hub = createHub({
    accounts: await openAccounts(config.accounts, log, options.signal),
    ...shared,
    limits: config.limits,
    report: (problem, err) => log.error({ err }, problem),
  });
  const streams: Listener[] = [];
  const secure: TlsListener[] = [];
  const datagrams: Bound[] = [];
  const reloads: ((config: Config) => Promise<void> | undefined)[] = [];
  const ports: Ports = {};
  const keys: RunningServer["keys"] = {};
  const services: Partial<Record<ProtocolName, StreamService>> = {};
  let web: Web | undefined;

  async function serve<Name extends ProtocolName>(name: Name): Promise<void> {
    const options = config.protocols[name];
    const { port, tlsPort } = options;
    const { udpPort = null } = options as { udpPort?: number | null };
    if (port === null) return;
    const service: ProtocolService<Name> = await MOUNTS[name](hub, options, log, (file) =>
      dataFile(config.accounts, file),
    );
    services[name] = service;
    if (service.key !== undefined) keys[name] = service.key;
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
        listenTls(service, { ...at, ...certificate, maxQueuedBytes, admits, addressKey }),
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

  async function close({ spreadMs, allMs }: DrainTimes): Promise<void> {
    const endsAt = performance.now() + allMs;
    for (const stream of streams) stream.close();
    web?.drain();
    await closeSessions(hub, spreadMs, "the server is shutting down");
    const listeners = web === undefined ? streams : [...streams, web];
    const cut = await Promise.all(
      listeners.map((listener) => listener.gone(Math.max(0, endsAt - performance.now()))),
    );
    const links = cut.reduce((sum, count) => sum + count, 0);
    if (links > 0) log.warn({ links }, "links were cut that did not close in time");
    for (const socket of datagrams) socket.close();
    await Promise.all([web?.close(), hub.shutdown()]);
  }

  let closing: Promise<void> | undefined;
  function closeOnce(): Promise<void> {
    closing ??= close(drainTimes(config.drainMs, config.limits.requestTimeoutMs));
    return closing;
  }

  try {
    if (target !== undefined) await reachBackplane(hub, target);
    for (const name of Object.keys(MOUNTS) as ProtocolName[]) await serve(name);
    if (streams.length === 0)
      throw new Failure("protocols: every port is null, so there is nothing to serve");
    if (config.web.port !== null) {
      const drain = options.drain ?? (() => void closeOnce());
      web = await startWeb({
        ...shared,
        config,
        node,
        hub,
        log,
        recent,
        host,
        protocols: ports,
        services,
        drain,
      });
    }
  } catch (error) {
    await close({ spreadMs: 0, allMs: 0 });
    throw error;
  }
  return {
    ports,
    keys,
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

async function openAccounts(accounts: Secret, log: Logger, signal?: AbortSignal): Promise<AccountStore> {
  try {
    const file = sqliteFile(accounts);
    if (file !== undefined) return await openSqliteAccounts({ file });
    const url = accounts.reveal();
    const report = (problem: string, err: unknown): void => log.warn({ err }, problem);
    return await openPostgresAccounts({ url, report, signal });
  } catch (error) {
    throw new Failure(`accounts: ${(error as Error).message}`, { cause: error });
  }
}

async function openBackplane(
  target: BackplaneTarget | undefined,
  node: string,
  config: Config,
  log: Logger,
): Promise<{ backplane?: RedisBackplane }> {
  if (target === undefined) return {};
  // Not before: its driver derives a class from String, after which V8 looks up the methods of strings anew at each call.
  const { redisBackplane } = await import("@wireyard/backplane-redis");
  if (sqliteFile(config.accounts) !== undefined) {
    log.warn("accounts in a SQLite file are known to this node alone; the other nodes have theirs");
  }
  const report = (problem: string, err?: unknown): void => {
    if (err === undefined) log.info(problem);
    else log.error({ err }, problem);
  };
  return {
    backplane: redisBackplane({ ...target.options, leaseMs: config.node.leaseMs, nodeId: node, report }),
  };
}

/** Ids and rooms are shared from the first connection on: a node that cannot share them does not start. */
async function reachBackplane(hub: Hub, { place }: BackplaneTarget): Promise<void> {
  try {
    await hub.check();
  } catch (error) {
    throw new Failure(`backplane: ${place} cannot be used; is Redis or Valkey 7 or later running there?`, {
      cause: error,
    });
  }
}
