import { deflateSync } from "node:zlib";
import { createHub, memoryAccounts, memoryBackplane, type Session, UsageError } from "@wireyard/session";
import { describe, expect, it } from "vitest";
import { playerId } from "../src/answers.ts";
import { decodeStatus, MAX_RESPONSE_LENGTH, type Status } from "../src/index.ts";
import { faviconUrl, MAX_FAVICON_BYTES, varintState } from "../src/server.ts";
import { type Harness, makeServer } from "./harness.ts";
import { HANDSHAKE, REQUEST } from "./vectors.ts";

/** A PNG's start, with this size, and zeroes up to `bytes`. */
function png(width: number, height: number, bytes = 100): Uint8Array {
  const image = Buffer.alloc(bytes);
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex").copy(image);
  image.writeUInt32BE(width, 16);
  image.writeUInt32BE(height, 20);
  return new Uint8Array(image);
}

/** A session of another protocol, under a name of its own. */
function enter(server: Harness, name: string): Session {
  const peer = { deliver() {}, expired() {}, close() {} };
  const session = server.hub.open({ protocol: "other", remoteAddress: "192.0.2.7", peer });
  if (name !== "") server.hub.enter(session, name);
  return session;
}

/** What a new client is told, after a tick. */
async function ask(server: Harness): Promise<{ json: string; status: Status }> {
  await server.pass(50);
  const client = server.connect();
  const answer = Buffer.from(await client.send(HANDSHAKE + REQUEST), "hex").toString();
  client.close();
  await client.take();
  const json = answer.slice(answer.indexOf("{"));
  return { json, status: decodeStatus(json) };
}

const namesIn = ({ players }: Status): string[] => players.sample.map(({ name }) => name);

describe("the sample of players", () => {
  it("names logged-in users of every protocol, each once, as they come and go [VARINT-5.5]", async () => {
    const server = makeServer();
    expect(namesIn((await ask(server)).status)).toEqual([]);
    const ann = enter(server, "ann");
    enter(server, "");
    enter(server, "Bob");
    enter(server, "bob");
    const { json, status } = await ask(server);
    expect(namesIn(status)).toEqual(["ann", "bob"]);
    expect(status.players.sample[0]?.id).toBe(playerId("ann"));
    expect(json).not.toContain("192.0.2.7");
    server.hub.close(ann);
    expect(namesIn((await ask(server)).status)).toEqual(["bob"]);
  });

  it("shows a login without any other change [VARINT-5.5]", async () => {
    const server = makeServer();
    const session = enter(server, "");
    const client = server.connect();
    await client.send(HANDSHAKE + REQUEST);
    server.hub.enter(session, "ann");
    await server.pass(50);
    expect(Buffer.from(await client.send(REQUEST), "hex").toString()).toContain('"name":"ann"');
  });

  it("names 12 at the most, or as many as the option says; with 0 none [VARINT-5.5]", async () => {
    for (const [sample, told] of [
      [undefined, 12],
      [2, 2],
      [0, 0],
    ] as const) {
      const server = makeServer(sample === undefined ? {} : { sample });
      for (let i = 0; i < 20; i++) enter(server, `user${i}`);
      expect(namesIn((await ask(server)).status)).toHaveLength(told);
    }
  });

  it("leaves out names that could be more than a name [VARINT-5.5]", async () => {
    const server = makeServer();
    for (const name of ["§cred", "a b", "http://x", "a".repeat(33), "x@y.z"]) enter(server, name);
    enter(server, "a".repeat(32));
    enter(server, "Jörg_1-x");
    expect(namesIn((await ask(server)).status)).toEqual(["a".repeat(32), "Jörg_1-x"]);
  });

  it("gives a user a UUID that is always the same, and everybody another", () => {
    expect(playerId("ann")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(playerId("Ann")).toBe("a68d6236-f78b-8822-836d-bc7977b5cc60");
    expect(new Set(Array.from({ length: 1_000 }, (_, i) => playerId(`user${i}`))).size).toBe(1_000);
  });
});

describe("a status of several nodes", () => {
  it("counts the sessions of all, and has room for as many at each [VARINT-5.3]", async () => {
    const backplane = memoryBackplane();
    const [one, two] = [makeServer({}, {}, backplane), makeServer({}, {}, backplane)];
    expect((await ask(one)).status.players).toMatchObject({ max: 20_000, online: 1 });
    const ann = enter(two, "ann");
    enter(two, "bob");
    const { players, clients } = (await ask(one)).status;
    expect([players, clients]).toMatchObject([clients, { max: 20_000, online: 3 }]);
    two.hub.close(ann);
    await two.hub.shutdown();
    expect((await ask(one)).status.players).toMatchObject({ max: 10_000 });
  });

  it("names users of its own first, and each of another once [VARINT-5.5]", async () => {
    const backplane = memoryBackplane();
    const [one, two] = [makeServer({ sample: 3 }, {}, backplane), makeServer({}, {}, backplane)];
    for (const name of ["ann", "bob", "§cred", "dora", "eve"]) enter(two, name);
    enter(one, "zoe");
    enter(one, "ann");
    expect(namesIn((await ask(one)).status)).toEqual(["zoe", "ann", "bob"]);
  });
});

describe("the icon", () => {
  it("is in the status where there is one, and only there [VARINT-5.6]", async () => {
    const favicon = faviconUrl(png(64, 64));
    expect(favicon).toMatch(/^data:image\/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABA/);
    expect(Buffer.from(favicon.slice(22), "base64")).toEqual(Buffer.from(png(64, 64)));
    expect((await ask(makeServer({ favicon }))).status.favicon).toBe(favicon);
    expect((await ask(makeServer())).json).not.toContain("favicon");
  });

  it("must be a PNG of 64x64 pixels, and not too large [VARINT-5.6]", () => {
    const refused: [Uint8Array, string][] = [
      [new Uint8Array(0), "this is no PNG; the icon must be a PNG of 64x64 pixels"],
      [new TextEncoder().encode("GIF89a".repeat(20)), "this is no PNG"],
      [png(64, 64).subarray(0, 20), "this is no PNG"],
      [png(32, 64), "this PNG has 32x64 pixels; the icon must have 64x64"],
      [png(64, 64, 16_385), "this PNG has 16385 bytes; the icon may have 16384"],
    ];
    for (const [bytes, message] of refused) {
      expect(() => faviconUrl(bytes)).toThrow(UsageError);
      expect(() => faviconUrl(bytes)).toThrow(message);
    }
  });

  it("of the largest size leaves room for names and a description in the status [VARINT-5.6]", async () => {
    const random = new Uint8Array(deflateSync(crypto.getRandomValues(new Uint8Array(20_000))));
    const image = png(64, 64, MAX_FAVICON_BYTES);
    image.set(random.subarray(0, MAX_FAVICON_BYTES - 100), 100);
    const server = makeServer({ favicon: faviconUrl(image), description: "é".repeat(1_000) });
    for (let i = 0; i < 12; i++) enter(server, `${"ö".repeat(30)}${String(i).padStart(2, "0")}`);
    const { json, status } = await ask(server);
    expect(json.length).toBeLessThanOrEqual(MAX_RESPONSE_LENGTH);
    expect(namesIn(status)).toHaveLength(12);
    const hub = createHub({ accounts: memoryAccounts() });
    expect(() => varintState(hub, { favicon: faviconUrl(image), description: "é".repeat(2_000) })).toThrow(
      /take a smaller favicon/,
    );
  });
});
