import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectJsonPacket } from "@wireyard/json-packet/client";
import { describe, expect, it } from "vitest";
import { keptEncryptKeys } from "../src/json-keys.ts";
import { ANY_PORTS, type Running, serve, temporaryDirectory, wireyard } from "./processes.ts";

const FILE = "wireyard.json-packet.pem";
const KEY = "protocols.json-packet.keyFile";
const MADE_UP = "is no RSA key of 2048 to 4096 bits in PEM (PKCS #8, without a passphrase)";

const pemOf = (bits: number): string =>
  generateKeyPairSync("rsa", { modulusLength: bits })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();

async function fingerprintOf(server: Running): Promise<string> {
  return `${(await server.logged("the key for encrypted links is ready")).fingerprint}`;
}

describe("the key of JSON packets", () => {
  it("is made beside the accounts, for this user alone, and is the same after a restart", async () => {
    const cwd = temporaryDirectory();
    const first = await serve([], { cwd });
    const file = join(cwd, FILE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n.+\n-----END PRIVATE KEY-----\n$/s,
    );
    expect(readdirSync(cwd).filter((name) => name.startsWith(FILE))).toEqual([FILE]);
    const pin = await fingerprintOf(first);
    first.child.kill("SIGTERM");
    await first.ended;

    const second = await serve(["--set", "protocols.json-packet.encryption=required"], { cwd });
    expect(await fingerprintOf(second)).toBe(pin);
    const client = await connectJsonPacket({
      url: `tcp://127.0.0.1:${second.ready["json-packet"].tcp}`,
      pin,
    });
    expect(client.encrypted).toBe(true);
    client.close();
  });

  it("is where the configuration says, relative to its file, and may be one that openssl made", async () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, "keys"));
    writeFileSync(join(cwd, "keys/own.pem"), pemOf(3_072));
    writeFileSync(join(cwd, "a.yaml"), "protocols: { json-packet: { keyFile: keys/own.pem } }\n");
    const server = await serve(["--config", join(cwd, "a.yaml")], { cwd: temporaryDirectory() });
    const { fingerprint } = await keptEncryptKeys(join(cwd, "keys/own.pem"));
    expect(await fingerprintOf(server)).toBe(fingerprint);
    expect(existsSync(join(cwd, FILE))).toBe(false);
  });

  it("is not asked for where nothing is encrypted", async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, FILE), "no key");
    await serve(["--set", "protocols.json-packet.encryption=off"], { cwd });
    expect(readFileSync(join(cwd, FILE), "utf8")).toBe("no key");
  });

  it("keeps the server from starting where its file cannot be used", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "key.pem");
    const failing = async (path: string): Promise<string> => {
      const { code, stdout, stderr } = await wireyard([
        "serve",
        ...ANY_PORTS,
        "--set",
        `${KEY}=${path}`,
        "--set",
        "log.level=silent",
      ]);
      expect([code, stdout]).toEqual([1, ""]);
      return stderr;
    };
    writeFileSync(file, "no key");
    expect(await failing(file)).toBe(
      `wireyard: ${KEY}: ${file} ${MADE_UP}; name one, or delete it, and a new one is made`,
    );
    expect(await failing(join(directory, "none/key.pem"))).toBe(
      `wireyard: ${KEY}: ${join(directory, "none/key.pem")}: there is no such directory`,
    );
    expect(await failing(directory)).toBe(`wireyard: ${KEY}: ${directory}: it is a directory; name a file`);
  });

  it.each([
    ["too short", pemOf(1_024)],
    [
      "of another kind",
      generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    ],
    [
      "a public one",
      generateKeyPairSync("rsa", { modulusLength: 2_048 })
        .publicKey.export({ type: "spki", format: "pem" })
        .toString(),
    ],
    ["much too long", "x".repeat(100_000)],
    ["empty", ""],
  ])("is refused where it is %s, and stays as it is", async (_name, text) => {
    const file = join(temporaryDirectory(), "key.pem");
    writeFileSync(file, text);
    await expect(keptEncryptKeys(file)).rejects.toThrow(MADE_UP);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("is one, though two servers make it at once", async () => {
    const directory = temporaryDirectory();
    const file = join(directory, "key.pem");
    const [one, two] = await Promise.all([keptEncryptKeys(file), keptEncryptKeys(file)]);
    expect(one.fingerprint).toBe(two.fingerprint);
    expect(readdirSync(directory)).toEqual(["key.pem"]);
  });
});
