import { setTimeout as wait } from "node:timers/promises";
import { UsageError } from "@wireyard/session";
import { Kysely, PostgresDialect, sql } from "kysely";
import type { PoolConfig } from "pg";
import { type SqlAccounts, sqlAccounts } from "./accounts.ts";
import { type HashOptions, HashQueue } from "./hash-queue.ts";
import { migrate } from "./migrations.ts";
import { explainPostgres, isPassing } from "./postgres-errors.ts";
import { boundedPool } from "./postgres-pool.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";
import type { Database } from "./schema.ts";

export interface PostgresAccountsOptions extends HashOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`; see the README for what it takes. */
  url: string;
  /** Connections at the most, made when they are needed. Default 10. */
  poolSize?: number;
  /** Queries that may wait for a connection; beyond, `RefusedError` `timeout`. Default 1000. */
  queriesWaiting?: number;
  /** Milliseconds until there must be a connection, a new one or one that is free again. Default 2000. */
  connectTimeoutMs?: number;
  /** Milliseconds after which the server ends a statement. Default 2000. */
  statementTimeoutMs?: number;
  /** Milliseconds after which a connection without an answer is given up. Default 3000. */
  queryTimeoutMs?: number;
  /** Milliseconds for each statement that brings the tables up to date, with the wait for others at it. Default 60000. */
  migrationTimeoutMs?: number;
  /** How often a server that does not answer yet is tried again, 0.1 s to 2 s apart. Default 8, some 9 s. */
  startupRetries?: number;
  /** Ends the wait for a server that does not answer yet. */
  signal?: AbortSignal;
  /** Told what nobody waits for: a start that is tried again, an idle connection that was lost. */
  report?: (problem: string, error: unknown) => void;
}

/** The numbers of `PostgresAccountsOptions`, where they are left out. */
export const POSTGRES_DEFAULTS = {
  poolSize: 10,
  queriesWaiting: 1000,
  connectTimeoutMs: 2_000,
  statementTimeoutMs: 2_000,
  queryTimeoutMs: 3_000,
  migrationTimeoutMs: 60_000,
  startupRetries: 8,
};
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 2_000;

type Settings = typeof POSTGRES_DEFAULTS & PostgresAccountsOptions;

/**
 * Accounts in a PostgreSQL database, which several servers may share: what was acknowledged is committed and synced.
 *
 * @throws {UsageError} where `url` or another option makes no sense
 * @throws {Error} which names the database and what would be right, where it cannot be used; never the password
 */
export async function openPostgresAccounts(options: PostgresAccountsOptions): Promise<SqlAccounts> {
  const settings: Settings = { ...POSTGRES_DEFAULTS, ...options };
  checkNumbers(settings);
  const queue = new HashQueue(options);
  const target = parsePostgresUrl(options.url);
  const connect = await connector(target, settings);
  try {
    return await untilItAnswers(async () => {
      const sessionOptions = await prepare(connect, settings);
      return openStore(connect, queue, settings, sessionOptions);
    }, settings);
  } catch (error) {
    const { host, port, database } = target;
    const where = port === undefined ? host : `${host}:${port}`;
    throw new Error(`cannot open the accounts database ${database} at ${where}: ${explainPostgres(error)}`, {
      cause: error,
    });
  }
}

type Connect = (config: PoolConfig) => Kysely<Database>;

async function connector(target: PostgresTarget, settings: Settings): Promise<Connect> {
  // Loaded only here, so that who keeps accounts in SQLite need not have it.
  const { Pool } = await import("pg").then(
    (pg) => pg.default,
    (cause: unknown) => {
      throw new Error("accounts in PostgreSQL need the package pg: npm install pg", { cause });
    },
  );
  return (config) => {
    const pool = new Pool({
      ...target,
      connectionTimeoutMillis: settings.connectTimeoutMs,
      idleTimeoutMillis: 30_000,
      keepAlive: true,
      application_name: "wireyard",
      ...config,
    });
    return new Kysely<Database>({
      dialect: new PostgresDialect({ pool: boundedPool(pool, settings.queriesWaiting, settings.report) }),
    });
  };
}

/**
 * Sees whether the database can be used and brings its tables up to date, over a connection of its own: a migration
 * may take longer than any query. Kysely holds an advisory lock meanwhile, so of several servers one does it.
 *
 * @returns what every session is to be started with
 */
async function prepare(
  connect: Connect,
  { migrationTimeoutMs, report }: Settings,
): Promise<string | undefined> {
  const db = connect({
    max: 1,
    statement_timeout: migrationTimeoutMs,
    // The server's own end of a statement comes first, and tells more.
    query_timeout: migrationTimeoutMs + 1_000,
  });
  try {
    const { rows } = await sql<Record<"encoding" | "fsync" | "commit", string>>`
      select current_setting('server_encoding') as encoding,
        current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as commit`.execute(db);
    const { encoding, fsync, commit } = rows[0] ?? {};
    if (encoding !== "UTF8") {
      throw new Error(
        `its encoding is ${encoding}; make it with: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`,
      );
    }
    if (fsync === "off") {
      const lost = new Error(
        "fsync is off: accounts that were acknowledged may be lost in a crash of its machine",
      );
      report?.("the accounts database does not sync to disk", lost);
    }
    await migrate(db, sql`text collate "C"`);
    // The one setting that acknowledges a commit before it is on a disk.
    return commit === "off" ? "-c synchronous_commit=on" : undefined;
  } finally {
    await db.destroy();
  }
}

async function openStore(
  connect: Connect,
  queue: HashQueue,
  settings: Settings,
  sessionOptions: string | undefined,
): Promise<SqlAccounts> {
  const db = connect({
    max: settings.poolSize,
    statement_timeout: settings.statementTimeoutMs,
    query_timeout: settings.queryTimeoutMs,
    options: sessionOptions,
  });
  const accounts = sqlAccounts(db, queue);
  try {
    // Kysely closes only what was used: without a first query, a store that is closed could still be written.
    await accounts.check();
    return accounts;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function untilItAnswers<T>(attempt: () => Promise<T>, settings: Settings): Promise<T> {
  const { startupRetries, signal, report } = settings;
  for (let retry = 0; ; retry++) {
    try {
      return await attempt();
    } catch (error) {
      if (retry >= startupRetries || !isPassing(error)) throw error;
      report?.("the accounts database does not answer yet; it is tried again", error);
      const delayMs = Math.min(FIRST_RETRY_MS * 2 ** retry, LONGEST_RETRY_MS);
      await wait(delayMs, undefined, { signal }).catch(() => {
        throw error;
      });
    }
  }
}

function checkNumbers(settings: Settings): void {
  for (const name of Object.keys(POSTGRES_DEFAULTS) as (keyof typeof POSTGRES_DEFAULTS)[]) {
    const value = settings[name];
    const least = name === "startupRetries" ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new UsageError(`${name} is a whole number of at least ${least}, not ${value}`);
    }
  }
}
