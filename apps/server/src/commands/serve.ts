import type { Logger } from "pino";
import { banner, readyLine } from "../banner.ts";
import { loadConfig, type Sources } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { drainTimes } from "../drain.ts";
import { reloader } from "../reload.ts";
import type { RunningServer } from "../server.ts";
import { listenForSignals } from "../signals.ts";

/** So long after the last link was cut a server that still hangs is ended. */
const GIVE_UP_MS = 1_500;

/**
 * `wireyard serve`: serves until a signal, and ends the process then.
 *
 * @throws {ConfigError} @throws {Failure} where it cannot start
 */
export async function serve(sources: Sources): Promise<void> {
  const { config } = loadConfig(sources);
  // Loaded only now, so that a mistake in the configuration is told soon.
  const { createLog } = await import("../log.ts");
  const { RecentLog } = await import("../recent-log.ts");
  const { startServer } = await import("../server.ts");
  const recent = new RecentLog();
  const log = await createLog(config.log, recent);
  const crash = (err: unknown): void => {
    log.fatal({ err }, "an error that nobody caught; the server ends");
    process.exit(1);
  };
  process.on("uncaughtException", crash);
  // An operator's handler may leave one behind: it must not cost others their connections.
  process.on("unhandledRejection", (err) =>
    log.error({ err }, "a promise was rejected that nobody waits for"),
  );
  // Whoever read our output may be gone.
  process.stdout.on("error", () => {});

  const stopping = new AbortController();
  const stop = (): void => {
    // The console may have asked for it before a signal does.
    if (stopping.signal.aborted) return;
    stopping.abort();
    void stopWhenStarted(starting, config, log);
  };
  const starting = startServer(config, { log, recent, drain: stop, signal: stopping.signal });
  listenForSignals({
    stop,
    stopNow: () => {
      log.warn("stopped at once, by a second signal");
      process.exit(1);
    },
    reload: reloader(starting, config, sources, log),
  });
  const server = await starting;
  log.info({ accounts: config.accounts }, "accounts are open");
  for (const [protocol, ports] of Object.entries(server.ports)) log.info({ protocol, ...ports }, "listening");
  if (server.web !== undefined) log.info({ port: server.web.port }, "the web port is listening");
  for (const [protocol, { file, fingerprint }] of Object.entries(server.keys)) {
    log.info({ protocol, file, fingerprint }, "the key for encrypted links is ready");
  }
  const { port, auth } = config.protocols["colon-relay"];
  if (port !== null && auth === "open" && !/^(127\.|::1$)/.test(server.host)) {
    log.warn(
      { key: "protocols.colon-relay.auth" },
      "passwords are not looked at: auth is open, and not on loopback",
    );
  }
  process.stdout.write(`${readyLine(server)}\n`);
  // Told this once, and never in a log: of the token only its hash is kept.
  if (server.web?.adminUrl !== undefined) process.stdout.write(`wireyard admin ${server.web.adminUrl}\n`);
  if (process.stdout.isTTY) process.stdout.write(banner(server));
}

async function stopWhenStarted(
  starting: Promise<RunningServer>,
  { drainMs, limits }: Config,
  log: Logger,
): Promise<void> {
  const server = await starting.catch(() => undefined);
  // It could not start: whoever started it tells why.
  if (server === undefined) return;
  log.info({ sessions: server.hub.sessionCount, drainMs }, "stopping: sessions are being closed");
  setTimeout(() => {
    log.error("the server did not close in time");
    process.exit(1);
  }, drainTimes(drainMs, limits.requestTimeoutMs).allMs + GIVE_UP_MS).unref();
  await server.close();
  log.info("stopped");
  process.exit(0);
}
