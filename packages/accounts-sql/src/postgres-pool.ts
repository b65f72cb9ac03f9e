import { RefusedError } from "@wireyard/session";
import type { PostgresPool, PostgresPoolClient } from "kysely";
import type { Pool, PoolClient, QueryResult } from "pg";

/** What went wrong between us and the server, with its SQLSTATE or the system's name where it has one. */
export class PostgresError extends Error {
  readonly code: string | undefined;

  constructor(error: unknown) {
    const { message, code } = error as Error & { code?: string };
    // A host with several addresses, of which none answers, gives an error without a message.
    super(`PostgreSQL: ${message || code}`);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A pool of `pg` as Kysely takes it, mended where the two together would hang, crash or tell too much. */
export function boundedPool(
  pool: Pool,
  queriesWaiting: number,
  report?: (problem: string, error: unknown) => void,
): PostgresPool {
  // Without a listener the loss of an idle connection ends the process.
  pool.on("error", (error) =>
    report?.("an idle connection to the accounts database was lost", new PostgresError(error)),
  );
  // So does that of a busy one; whoever uses it hears of it by its query.
  pool.on("connect", (client) => client.on("error", () => {}));
  return {
    options: {},
    async connect() {
      // Who comes first to an idle connection is counted as waiting until the end of the tick.
      if (pool.waitingCount - pool.idleCount >= queriesWaiting) {
        throw new RefusedError("timeout", "too many queries wait for the accounts database, try again later");
      }
      try {
        return boundedClient(await pool.connect());
      } catch (error) {
        throw new PostgresError(error);
      }
    },
    end: () => pool.end(),
  };
}

function boundedClient(client: PoolClient): PostgresPoolClient {
  let state: "good" | "doubtful" = "good";
  async function query(sql: string, parameters: unknown[]): Promise<QueryResult> {
    try {
      return await client.query(sql, parameters);
    } catch (error) {
      // The server still answers after an ERROR. After everything else, a time-out above all, the answer may be still
      // to come, and the next query would wait behind it.
      if ((error as { severity?: string }).severity !== "ERROR") state = "doubtful";
      // Never the error itself: its fields may hold a row, and so a hash, or the whole client.
      throw new PostgresError(error);
    }
  }

  return {
    // Kysely's type is one for cursors too, which nobody asks for.
    query: query as unknown as PostgresPoolClient["query"],
    release: (destroy = false) => client.release(destroy || state === "doubtful"),
  };
}
