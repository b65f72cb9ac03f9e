import { inspect } from "node:util";
import { UsageError } from "@wireyard/session";
import { describe, expect, test } from "vitest";
import { openPostgresAccounts } from "../src/index.ts";
import { parsePostgresUrl } from "../src/postgres-url.ts";
import { temporaryFile } from "./files.ts";

test("a URL tells host, port, user, password and database, each as it is without its escapes", () => {
  expect(parsePostgresUrl("postgres://ann:p%40ss%2F%3F%23%25@db.example:5433/my%20db")).toEqual({
    host: "db.example",
    port: 5433,
    user: "ann",
    password: "p@ss/?#%",
    database: "my db",
    ssl: false,
  });
  expect(parsePostgresUrl("postgresql://[::1]/db")).toMatchObject({ host: "::1", port: undefined });
});

test("what the URL leaves out is left to pg, which reads PGUSER and the like", () => {
  const { user, password, port } = parsePostgresUrl("postgres://localhost/db");
  expect([user, password, port]).toEqual([undefined, undefined, undefined]);
});

test("a socket of this machine is named by its directory, and needs no TLS", () => {
  for (const authority of ["ann:pw@", "", "ann:pw@localhost"]) {
    const url = `postgres://${authority}/db?host=/run/postgresql&sslmode=require`;
    expect(parsePostgresUrl(url)).toMatchObject({ host: "/run/postgresql", database: "db", ssl: false });
  }
});

describe("sslmode", () => {
  const ssl = (query: string) => parsePostgresUrl(`postgres://localhost/db?${query}`).ssl;

  test("is disable where it is not given, and what PGSSLMODE says", () => {
    expect(ssl("")).toBe(false);
    process.env.PGSSLMODE = "require";
    try {
      expect(ssl("")).toMatchObject({ rejectUnauthorized: false });
      expect(ssl("sslmode=disable")).toBe(false);
    } finally {
      delete process.env.PGSSLMODE;
    }
  });

  test("verify-full checks the certificate and its name, the others less", () => {
    expect(ssl("sslmode=verify-full")).toEqual({});
    expect(ssl("sslmode=verify-ca")).toEqual({ checkServerIdentity: expect.any(Function) });
    expect(ssl("sslmode=require")).toEqual({ rejectUnauthorized: false });
  });

  test("that would go on in the clear where TLS fails is refused", () => {
    for (const mode of ["prefer", "allow", "on"]) {
      expect(() => ssl(`sslmode=${mode}`)).toThrow(
        `sslmode is one of disable, require, verify-ca, verify-full, not "${mode}"`,
      );
    }
  });

  test("with a file that is not there, or named from nowhere, is refused", () => {
    const missing = temporaryFile("ca.pem");
    expect(() => ssl(`sslmode=verify-ca&sslrootcert=${missing}`)).toThrow(
      `sslrootcert cannot be read: ENOENT: no such file or directory, open '${missing}'`,
    );
    expect(() => ssl("sslmode=verify-ca&sslrootcert=ca.pem")).toThrow(
      'sslrootcert is an absolute path, not "ca.pem"',
    );
  });
});

test("a URL that cannot be read is a usage error that says how it is written, and holds no password", async () => {
  const wrong = [
    ["mysql://ann:hunter2@host/db", "is not postgres://USER:PASSWORD@HOST/DATABASE"],
    ["postgres://ann:hunter2#@host/db", "is not postgres://USER:PASSWORD@HOST/DATABASE"],
    ["postgres://ann:hunter2@host:port/db", "in a password @ : / ? # and % are written"],
    ["postgres://ann:hunter2%zz@host/db", "a % that no two hex digits follow"],
    ["postgres://ann:hunter2@host", "the URL names no database"],
    ["postgres://ann@host/db?password=hunter2", 'has "password"; it takes host, sslmode'],
  ] as const;
  for (const [url, words] of wrong) {
    const error = await openPostgresAccounts({ url }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain(words);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("hunter2");
  }
});

test("a number that makes no sense is a usage error", async () => {
  const url = "postgres://localhost/db";
  for (const options of [
    { poolSize: 0 },
    { queryTimeoutMs: 0.5 },
    { startupRetries: -1 },
    { hashesAtOnce: 0 },
  ]) {
    await expect(openPostgresAccounts({ url, ...options })).rejects.toBeInstanceOf(UsageError);
  }
});
