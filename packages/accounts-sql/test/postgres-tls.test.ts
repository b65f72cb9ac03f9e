import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openPostgresAccounts } from "../src/index.ts";
import { Cluster, freePort, hasPostgres, PASSWORD, START_MS } from "./postgres-cluster.ts";

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;
if (!hasOpenssl) console.info("openssl is not installed: the tests with PostgreSQL over TLS are left out");

describe.skipIf(!hasPostgres || !hasOpenssl)("a PostgreSQL with a certificate for localhost", () => {
  let cluster: Cluster;
  let certificate: string;
  beforeAll(async () => {
    cluster = new Cluster();
    certificate = join(cluster.directory, "server.crt");
    const key = join(cluster.directory, "server.key");
    makeCertificate(certificate, key);
    for (const path of [certificate, key]) cluster.give(path);
    const port = String(await freePort());
    const tls = { ssl: "on", ssl_cert_file: certificate, ssl_key_file: key };
    cluster.settings = { port, listen_addresses: "localhost", ...tls };
    await cluster.start();
    return () => cluster.remove();
  }, START_MS);

  function url(query: string, host = "localhost"): string {
    const { port } = cluster.settings;
    return `postgres://wireyard:${encodeURIComponent(PASSWORD)}@${host}:${port}/postgres?${query}`;
  }

  test.each([
    ["disable", "localhost", "", false],
    ["require", "localhost", "", true],
    ["require", "127.0.0.1", "&sslrootcert", true],
    ["verify-ca", "127.0.0.1", "&sslrootcert", true],
    ["verify-full", "localhost", "&sslrootcert", true],
  ])("sslmode=%s to %s%s is taken, and encrypted as it says", async (mode, host, root, encrypted) => {
    const query = `sslmode=${mode}${root.replace("sslrootcert", `sslrootcert=${certificate}`)}`;
    const accounts = await openPostgresAccounts({ url: url(query, host) });
    const sessions =
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'wireyard'";
    expect(await cluster.query("postgres", sessions)).toContainEqual({ ssl: encrypted });
    await accounts.close();
  });

  test.each([
    ["verify-full", "localhost", "", "nobody known signed its certificate; name the CA's in the URL"],
    ["verify-ca", "localhost", "", "nobody known signed its certificate; name the CA's in the URL"],
    ["verify-full", "127.0.0.1", "&sslrootcert", "its certificate is for another host; name that"],
  ])("sslmode=%s to %s%s is refused", async (mode, host, root, words) => {
    const query = `sslmode=${mode}${root.replace("sslrootcert", `sslrootcert=${certificate}`)}`;
    await expect(openPostgresAccounts({ url: url(query, host) })).rejects.toThrow(words);
  });

  test("sslmode=require to a server without TLS is refused: nothing goes in the clear", async () => {
    await cluster.stop();
    cluster.settings.ssl = "off";
    await cluster.start();
    await expect(openPostgresAccounts({ url: url("sslmode=require") })).rejects.toThrow(
      "it takes no TLS; turn `ssl` on there, or say sslmode=disable",
    );
  });
});

function makeCertificate(certificate: string, key: string): void {
  const algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"];
  const files = ["-keyout", key, "-out", certificate];
  const { status, stderr } = spawnSync("openssl", ["req", "-x509", ...algorithm, ...subject, ...files], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`openssl failed: ${stderr}`);
}
