import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { makeDevCertificate } from "../src/dev-certificate.ts";
import { type Ready, serve, temporaryDirectory, wireyard } from "./processes.ts";
import { frame } from "./sockets.ts";

const PROTOCOLS = ["colon-relay", "comma-command", "varint-state", "json-packet"] as const;
const TLS_PORTS = PROTOCOLS.flatMap((name) => ["--set", `protocols.${name}.tlsPort=0`]);

async function client(port: number | undefined, ca: string): Promise<TLSSocket> {
  const socket = connect({ port: port as number, host: "127.0.0.1", ca });
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

async function say(socket: TLSSocket, bytes: string | Uint8Array): Promise<string> {
  socket.write(bytes);
  const [answer] = (await once(socket, "data")) as [Buffer];
  return answer.toString("latin1");
}

/** What each protocol is told first, and answers. */
const TALKS: Record<(typeof PROTOCOLS)[number], [Uint8Array | string, RegExp]> = {
  "colon-relay": ["0:ann:pw\n", /^0:\d+\n$/],
  "comma-command": [frame("whoami"), /error,nonfatal,not_logged_in/],
  "varint-state": [Buffer.from("0700000161000001" + "0100", "hex"), /"version"/],
  "json-packet": ['{"action":"handShake","data":{},"packet-created":1,"token":null}', /"status":"success"/],
};

describe("TLS", () => {
  it("is served for every protocol, and its certificate is read again on SIGHUP without dropping anyone", async () => {
    const cwd = temporaryDirectory();
    const made = await wireyard(["config", "dev-cert", "--out", cwd]);
    const tls = parse(made.stdout).tls as { cert: string; key: string };
    expect(tls.cert).toBe(join(cwd, "wireyard-dev-cert.pem"));
    writeFileSync(
      join(cwd, "wireyard.yaml"),
      "tls: { cert: wireyard-dev-cert.pem, key: wireyard-dev-key.pem }\n",
    );
    const server = await serve(["--config", join(cwd, "wireyard.yaml"), ...TLS_PORTS]);
    const [first, second] = [await certificateOf(server.ready), makeDevCertificate(["127.0.0.1"])];

    const before: TLSSocket[] = [];
    for (const name of PROTOCOLS) {
      const socket = await client(server.ready[name].tls, first);
      const [said, answer] = TALKS[name];
      expect(await say(socket, said)).toMatch(answer);
      before.push(socket);
    }

    writeFileSync(tls.cert, second.cert);
    server.child.kill("SIGHUP");
    const refused = await server.logged("the certificate cannot be used, the old one stays");
    expect(refused.msg).toContain(`tls.key: ${tls.key}: it is not the key of the certificate in ${tls.cert}`);
    await client(server.ready["colon-relay"].tls, first);

    writeFileSync(tls.key, second.key);
    server.child.kill("SIGHUP");
    await expect.poll(() => certificateOf(server.ready)).toBe(second.cert);
    expect(await say(before[0] as TLSSocket, "1\n")).toBe("1:\n");
    expect(before.map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
  });
});

/** The certificate that a port shows, as PEM. */
async function certificateOf(ready: Ready): Promise<string> {
  const socket = connect({
    port: ready["colon-relay"].tls as number,
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  await once(socket, "secureConnect");
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw).toString();
}

describe("wireyard config dev-cert", () => {
  it("makes a certificate for this machine and the names that are asked for, and a key that is ours alone", async () => {
    const cwd = temporaryDirectory();
    const args = ["config", "dev-cert", "--out", cwd, "--json"];
    const made = await wireyard([...args, "--name", "dev.example", "--name", "2001:db8::7", "--days", "7"]);
    const { cert, key, names } = JSON.parse(made.stdout);
    expect(names).toEqual(["localhost", "127.0.0.1", "::1", "dev.example", "2001:db8::7"]);
    expect(statSync(key).mode & 0o777).toBe(0o600);

    const again = await wireyard(args);
    expect([again.code, again.stderr]).toEqual([
      1,
      `wireyard: ${key}: it is there already; --force takes its place`,
    ]);
    expect((await wireyard([...args, "--force"])).code).toBe(0);
    expect(statSync(cert).size).toBeGreaterThan(100);
  });

  it("says what a name is where it is given none", async () => {
    expect(await wireyard(["config", "dev-cert", "--name", "a b"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("It must be a host name or an address, such as dev.example."),
    });
  });
});

describe("a certificate of one's own", () => {
  it("is for its names until its time is over", () => {
    const now = Date.parse("2049-12-01T00:00:00Z");
    const { cert } = makeDevCertificate(["dev.example", "::1", "2001:db8::1:0:7"], { days: 90, now });
    const certificate = new X509Certificate(cert);
    expect(certificate.checkHost("dev.example")).toBe("dev.example");
    expect(certificate.checkHost("example")).toBeUndefined();
    for (const address of ["::1", "2001:db8::1:0:7"]) expect(certificate.checkIP(address)).toBe(address);
    expect(new Date(certificate.validFrom).toISOString()).toBe("2049-11-30T23:00:00.000Z");
    expect(new Date(certificate.validTo).toISOString()).toBe("2050-03-01T00:00:00.000Z");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
  });
});
