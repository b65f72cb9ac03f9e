import { encodeText, ProtocolError } from "@wireyard/framing";
import { fromHex } from "@wireyard/framing/testing";
import { beforeAll, describe, expect, test } from "vitest";
import { decodeBase64Url, encodeBase64Url } from "../src/base64url.ts";
import { encryptLine, MAX_ENCRYPTED_PACKETS } from "../src/encryption.ts";
import { deriveKeys } from "../src/exchange.ts";
import {
  acceptOffer,
  createChannel,
  createEncryptKeys,
  createPacket,
  type Direction,
  decodePacket,
  decryptPacket,
  type EncryptKeys,
  encryptPacket,
  exportEncryptKeys,
  fingerprint,
  importEncryptKeys,
  offerKeys,
  type Packet,
} from "../src/index.ts";
import { unwrapSecret } from "../src/keys.ts";
import { Opener, Sealer } from "../src/sealing.ts";
import { exchange } from "./encryption-vectors.ts";

const bytes = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(fromHex(hex));
const fromText = (text: string): Uint8Array<ArrayBuffer> => decodeBase64Url(text) as Uint8Array<ArrayBuffer>;
const textOf = (line: Uint8Array): string => new TextDecoder().decode(line);
const packetOf = (text: string): Packet => decodePacket(encodeText(text));
const bad = expect.objectContaining({ name: "ProtocolError", code: "bad_encryption" });
const AES_KEYS: Record<Direction, Uint8Array<ArrayBuffer>> = {
  client: bytes(exchange.clientKey),
  server: bytes(exchange.serverKey),
};
const of = (direction: Direction): (typeof exchange.packets)[number][] =>
  exchange.packets.filter((packet) => packet.direction === direction);

let client: EncryptKeys;
let server: EncryptKeys;

beforeAll(async () => {
  client = await importEncryptKeys(fromText(exchange.client.privateKey));
  server = await importEncryptKeys(fromText(exchange.server.privateKey));
});

describe("the known answers", () => {
  test("[JSON-8.3] public keys and their fingerprints come from the private ones", async () => {
    for (const [keys, known] of [
      [client, exchange.client],
      [server, exchange.server],
    ] as const) {
      expect([keys.publicKey, keys.fingerprint]).toEqual([known.publicKey, known.fingerprint]);
      expect(await fingerprint(keys.publicKey)).toBe(known.fingerprint);
      expect(encodeBase64Url(await exportEncryptKeys(keys))).toBe(known.privateKey);
    }
  });

  test("[JSON-8.4] the wrapped secrets unwrap", async () => {
    expect(await unwrapSecret(server, fromText(exchange.wrappedClientSecret))).toEqual(
      bytes(exchange.clientSecret),
    );
    expect(await unwrapSecret(client, fromText(exchange.wrappedServerSecret))).toEqual(
      bytes(exchange.serverSecret),
    );
  });

  test("[JSON-8.6] the keys of both directions come from both secrets and both public keys", async () => {
    const from = {
      clientKey: fromText(client.publicKey),
      serverKey: fromText(server.publicKey),
      clientSecret: bytes(exchange.clientSecret),
      serverSecret: bytes(exchange.serverSecret),
    };
    expect(await deriveKeys(from)).toEqual(AES_KEYS);
    for (const part of Object.keys(from) as (keyof typeof from)[]) {
      const other = from[part].slice();
      other[7] = (other[7] as number) ^ 1;
      const keys = await deriveKeys({ ...from, [part]: other });
      expect(keys.client).not.toEqual(AES_KEYS.client);
      expect(keys.server).not.toEqual(AES_KEYS.server);
    }
    expect(AES_KEYS.client).not.toEqual(AES_KEYS.server);
  });

  test.each(["client", "server"] as const)(
    "[JSON-8.7] what a %s says is encrypted to the known bytes, and back, by WebCrypto",
    async (direction) => {
      const wrappedKey = direction === "client" ? exchange.wrappedClientSecret : undefined;
      const sending = await createChannel(direction, AES_KEYS[direction], wrappedKey);
      const receiving = await createChannel(direction, AES_KEYS[direction]);
      for (const { plain, line } of of(direction)) {
        expect(textOf(await encryptLine(encodeText(`${plain}\n`), sending))).toBe(`${line}\n`);
        const { action, data, token } = JSON.parse(plain);
        expect(await decryptPacket(packetOf(line), receiving)).toMatchObject({ action, data, token });
      }
    },
  );

  test("[JSON-8.7] and by node:crypto", () => {
    const sealer = new Sealer("server", AES_KEYS.server);
    for (const { plain, line } of of("server")) {
      expect(textOf(sealer.seal(encodeText(`${plain}\n`)))).toBe(`${line}\n`);
    }
    const opener = new Opener("client", AES_KEYS.client);
    for (const { plain, line } of of("client")) {
      const { action, data, token } = JSON.parse(plain);
      expect(opener.open(packetOf(line))).toMatchObject({ action, data, token });
    }
  });
});

describe("[JSON-8.8] [JSON-8.9] nothing opens, with one error for all, where", () => {
  /** Both ways to open a client's packets, as one. */
  const openers = async (): Promise<((packet: Packet) => Promise<Packet>)[]> => {
    const channel = await createChannel("client", AES_KEYS.client);
    const opener = new Opener("client", AES_KEYS.client);
    return [(packet) => decryptPacket(packet, channel), async (packet) => opener.open(packet)];
  };
  const errorsOf = async (line: string, before: readonly string[] = []): Promise<unknown[]> => {
    const errors: unknown[] = [];
    for (const open of await openers()) {
      for (const earlier of before) await open(packetOf(earlier));
      errors.push(await open(packetOf(line)).then(() => "opened", String));
    }
    return errors;
  };
  const [first, second] = of("client").map(({ line }) => line) as [string, string];
  const sameError = Array(2).fill("ProtocolError: a packet is not encrypted as it has to be");

  test("any character of the second packet's data is another", async () => {
    const start = second.indexOf('{"n"');
    const seen = new Set<string>();
    for (let at = start; at < second.length - 1; at++) {
      const byte = second.charCodeAt(at) ^ 1;
      const tampered = second.slice(0, at) + String.fromCharCode(byte) + second.slice(at + 1);
      // What is no JSON any more does not come this far.
      if (!isPacket(tampered)) continue;
      for (const error of await errorsOf(tampered, [first])) seen.add(`${error}`);
    }
    expect([...seen]).toEqual([sameError[0]]);
  });

  test.each([
    ["it came before", second, [first, second]],
    ["one is left out", second, []],
    ["the first comes again", first, [first]],
    ["it is of the other direction", of("server")[0]?.line ?? "", []],
    ["its key is missing", first.replace(/"key":"[^"]*",/, ""), []],
    ["a key comes again", second.replace('"n":1,', '"n":1,"key":"AAAA",'), [first]],
    ["its number is text", second.replace('"n":1', '"n":"1"'), [first]],
    ["its number is no whole one", second.replace('"n":1', '"n":1.5'), [first]],
    ["its payload is padded", second.replace('"}}', '=="}}'), [first]],
    ["its payload has characters of plain base64", second.replace('"payload":"', '"payload":"+/'), [first]],
    ["its payload is shorter than a tag", second.replace(/"payload":"[^"]*"/, '"payload":"AAAA"'), [first]],
    ["its payload is a number", second.replace(/"payload":"[^"]*"/, '"payload":1'), [first]],
    ["it has no data", '{"action":"encrypted","data":null}', [first]],
    ["it is no encrypted packet", '{"action":"PING","data":{"n":0,"payload":""}}', []],
  ])("%s", async (_name, line, before) => {
    expect(await errorsOf(line, before)).toEqual(sameError);
  });

  test("one did not: the right one behind it neither", async () => {
    for (const open of await openers()) {
      await expect(open(packetOf(second))).rejects.toEqual(bad);
      await expect(open(packetOf(first))).rejects.toEqual(bad);
    }
  });

  test("the same packet comes twice at a time", async () => {
    const channel = await createChannel("client", AES_KEYS.client);
    const both = [decryptPacket(packetOf(first), channel), decryptPacket(packetOf(first), channel)];
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  function isPacket(text: string): boolean {
    try {
      return packetOf(text).action === "encrypted";
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }
});

describe("an exchange", () => {
  test("[JSON-8.2] [JSON-8.5] gives both sides the same keys, and each time others", async () => {
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const offered = await offerKeys(server, client.publicKey);
      expect(offered.offer).toMatchObject({ status: "continue", publicKey: server.publicKey });
      const accepted = await acceptOffer(client, offered.offer, server.fingerprint.toUpperCase());
      expect(await offered.finish(fromText(accepted.wrappedKey))).toEqual(accepted.keys);
      seen.add(encodeBase64Url(accepted.keys.client)).add(encodeBase64Url(accepted.keys.server));
    }
    expect(seen.size).toBe(6);
  });

  test("[JSON-8.9] a wrapped secret that is none leads to keys that open nothing, not to an error", async () => {
    const offered = await offerKeys(server, client.publicKey);
    for (const wrapped of [new Uint8Array(0), new Uint8Array(256), fromText(exchange.wrappedServerSecret)]) {
      expect((await offered.finish(wrapped)).client).toHaveLength(32);
    }
  });

  test("[JSON-8.5] a server's key that is not the pinned one is named", async () => {
    const { offer } = await offerKeys(server, client.publicKey);
    await expect(acceptOffer(client, offer, client.fingerprint)).rejects.toThrow(
      `the server's key has the fingerprint ${server.fingerprint}, not the pinned one`,
    );
    await expect(acceptOffer(client, offer, client.fingerprint)).rejects.toEqual(bad);
  });

  test("[JSON-8.3] a public key is RSA, of 2,048 to 4,096 bits, with the usual exponent, and not long", async () => {
    const spki = async (name: string, more: object): Promise<string> => {
      const algorithm = { name, hash: "SHA-256", publicExponent: Uint8Array.of(1, 0, 1), ...more };
      const usages = name === "ECDH" ? ["deriveBits"] : ["encrypt", "decrypt"];
      const pair = (await crypto.subtle.generateKey(
        algorithm,
        true,
        usages as ("encrypt" | "decrypt" | "deriveBits")[],
      )) as { publicKey: Parameters<typeof crypto.subtle.exportKey>[1] };
      return encodeBase64Url(new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey)));
    };
    const refused = [
      undefined,
      null,
      5,
      "",
      "A",
      `${client.publicKey}=`,
      `${client.publicKey}A`,
      client.publicKey.slice(0, -4),
      "A".repeat(1_000_000),
      await spki("RSA-OAEP", { modulusLength: 1_024 }),
      await spki("RSA-OAEP", { modulusLength: 2_048, publicExponent: Uint8Array.of(3) }),
      await spki("ECDH", { namedCurve: "P-256" }),
    ];
    for (const key of refused) await expect(offerKeys(server, key)).rejects.toEqual(bad);
    await expect(createEncryptKeys(1_024)).rejects.toThrow("keys have 2048 to 4096 bits, not 1024");
    await expect(importEncryptKeys(new Uint8Array(3))).rejects.toThrow("no RSA private key");
    await expect(fingerprint("=")).rejects.toThrow("SPKI as base64url");
  });
});

test("packets are encrypted with their tokens, by the pure functions alone", async () => {
  const offered = await offerKeys(server, client.publicKey);
  const { keys, wrappedKey } = await acceptOffer(client, offered.offer);
  const sending = await createChannel("client", keys.client, wrappedKey);
  const outer = await encryptPacket(packetOf('{"action":"note","data":1.0,"token":"secret"}'), sending);
  expect([outer.action, outer.token, textOf(outer.dataBytes).includes("note")]).toEqual([
    "encrypted",
    null,
    false,
  ]);
  const { key } = outer.data as { key: string };
  const receiving = await createChannel("client", (await offered.finish(fromText(key))).client);
  const inner = await decryptPacket(outer, receiving);
  expect([inner.action, textOf(inner.dataBytes), inner.token]).toEqual(["note", "1.0", "secret"]);
});

test("[JSON-8.10] a key that is used up encrypts nothing", async () => {
  const channel = await createChannel("server", AES_KEYS.server);
  channel.next = MAX_ENCRYPTED_PACKETS;
  await expect(encryptPacket(createPacket("a"), channel)).rejects.toEqual(bad);
});

test("base64url has one text for each sequence of bytes", () => {
  for (let length = 0; length < 20; length++) {
    const some = Uint8Array.from({ length }, (_, i) => (i * 71 + length * 13) & 0xff);
    const text = encodeBase64Url(some);
    expect(text).toBe(Buffer.from(some).toString("base64url"));
    expect(decodeBase64Url(text)).toEqual(some);
    if (text.length % 4 === 0) continue;
    // The next digit differs in a bit that no byte takes.
    const last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const other = last[last.indexOf(text.at(-1) ?? "") + 1] ?? "";
    expect(decodeBase64Url(text.slice(0, -1) + other)).toBeUndefined();
  }
  for (const text of ["A", "AAAAA", "AA=", "AA==", "A+", "A/", "A A", "Aé"]) {
    expect(decodeBase64Url(text)).toBeUndefined();
  }
});
