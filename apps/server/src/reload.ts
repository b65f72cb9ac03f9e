import type { Logger } from "pino";
import { KEYS } from "./config/keys.ts";
import { ConfigError, loadConfig, type Sources } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { changes, valueAt } from "./config/show.ts";
import type { RunningServer } from "./server.ts";

/** What a server takes over while it serves; everything else needs a restart. */
const LIVE: ReadonlySet<string> = new Set([
  "log.level",
  "protocols.comma-command.modules",
  "tls.cert",
  "tls.key",
]);

/**
 * What reads the configuration again, and takes over what a running server can change. Asked while it is at it, it
 * does so once more behind that.
 */
export function reloader(
  starting: Promise<RunningServer>,
  config: Config,
  sources: Sources,
  log: Logger,
): () => void {
  let current = config;
  let asked = 0;

  async function reload(): Promise<void> {
    const server = await starting.catch(() => undefined);
    // It could not start: whoever started it tells why.
    if (server === undefined) return;
    let next: Config;
    try {
      next = loadConfig(sources).config;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      log.error(`the configuration cannot be used, the old one stays: ${error.message}`);
      return;
    }
    const found = changes(current, next);
    // Told at the more talkative of the two levels.
    if (!log.isLevelEnabled("info")) log.level = next.log.level;
    log.info({ changed: found.map(({ key }) => key) }, "the configuration was read again");
    for (const change of found) {
      if (LIVE.has(change.key)) log.info(change, "changed");
      else log.warn(change, "needs a restart");
    }
    current = withLive(current, next);
    await server.reload(current);
    log.level = next.log.level;
  }

  async function serveAsked(): Promise<void> {
    while (asked > 0) {
      const served = asked;
      await reload().catch((err: unknown) => log.error({ err }, "the configuration could not be read again"));
      asked -= served;
    }
  }

  return () => {
    if (asked++ === 0) void serveAsked();
  };
}

/** A configuration with the live values of another. */
function withLive(config: Config, next: Config): Config {
  const live = [...KEYS.values()].filter(({ name }) => LIVE.has(name));
  return live.reduce((result, key) => withValue(result, key.path, valueAt(next, key)), config);
}

function withValue<Group extends object>(
  group: Group,
  [segment = "", ...rest]: readonly string[],
  value: unknown,
): Group {
  const inner = (group as Record<string, object>)[segment] as object;
  return { ...group, [segment]: rest.length === 0 ? value : withValue(inner, rest, value) };
}
