import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { UsageError } from "@wireyard/session";

/** A PostgreSQL database, as `pg` takes it. What the URL does not tell, `pg` takes from `PGUSER` and the like. */
export interface PostgresTarget {
  host: string;
  port: number | undefined;
  user: string | undefined;
  password: string | undefined;
  database: string;
  ssl: ConnectionOptions | false;
}

const SHAPE = "postgres://USER:PASSWORD@HOST/DATABASE";
const PARAMETERS = ["host", "sslmode", "sslrootcert", "sslcert", "sslkey"];
const MODES = ["disable", "require", "verify-ca", "verify-full"];

/**
 * Reads the URL of a database. Not left to `pg`: its errors hold the whole URL, and to it `sslmode=require` is
 * something else than to PostgreSQL's own programs.
 *
 * @throws {UsageError} which says what would be right, and holds nothing of what may be a password
 */
export function parsePostgresUrl(text: string): PostgresTarget {
  // As PostgreSQL's own programs write it where `host` is a directory with a socket.
  const url = URL.parse(text.replace("@/", "@localhost/"));
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new UsageError(
      `the URL of the accounts database is not ${SHAPE}; in a password @ : / ? # and % are written %40 %3A %2F %3F %23 %25`,
    );
  }
  for (const name of url.searchParams.keys()) {
    if (PARAMETERS.includes(name)) continue;
    throw new UsageError(`the URL of the accounts database has "${name}"; it takes ${PARAMETERS.join(", ")}`);
  }
  const database = decoded(url.pathname.slice(1));
  if (database === undefined) throw new UsageError(`the URL names no database; it is ${SHAPE}`);
  // Without its brackets an IPv6 address is one.
  const host =
    url.searchParams.get("host") ?? decoded(url.hostname)?.replace(/^\[(.*)\]$/, "$1") ?? "localhost";
  return {
    host,
    port: url.port === "" ? undefined : Number(url.port),
    user: decoded(url.username),
    password: decoded(url.password),
    database,
    // Like PostgreSQL's own programs: there is nobody on the way to a socket of this machine.
    ssl: host.startsWith("/") ? false : tlsOf(url.searchParams),
  };
}

function decoded(part: string): string | undefined {
  try {
    return part === "" ? undefined : decodeURIComponent(part);
  } catch {
    throw new UsageError(
      "the URL of the accounts database has a % that no two hex digits follow; write it %25",
    );
  }
}

/** What `sslmode` means to PostgreSQL's own programs, without the two that go on in the clear where TLS fails. */
function tlsOf(parameters: URLSearchParams): ConnectionOptions | false {
  const mode = parameters.get("sslmode") ?? process.env.PGSSLMODE ?? "disable";
  if (!MODES.includes(mode)) throw new UsageError(`sslmode is one of ${MODES.join(", ")}, not "${mode}"`);
  if (mode === "disable") return false;
  const ca = fileOf(parameters, "sslrootcert");
  const tls = { ca, cert: fileOf(parameters, "sslcert"), key: fileOf(parameters, "sslkey") };
  switch (mode) {
    case "verify-full":
      return tls;
    case "verify-ca":
      return { ...tls, checkServerIdentity: () => undefined };
    default:
      // Who names a CA wants it looked at.
      return ca === undefined
        ? { ...tls, rejectUnauthorized: false }
        : { ...tls, checkServerIdentity: () => undefined };
  }
}

function fileOf(parameters: URLSearchParams, name: string): string | undefined {
  const path = parameters.get(name);
  if (path === null) return undefined;
  if (!isAbsolute(path)) throw new UsageError(`${name} is an absolute path, not "${path}"`);
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${name} cannot be read: ${(error as Error).message}`);
  }
}
