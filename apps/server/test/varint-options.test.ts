import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fetchStatus } from "@wireyard/varint-state/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { loadConfig } from "../src/config/load.ts";
import { type RunningServer, startServer } from "../src/server.ts";
import { ANY_PORTS, temporaryDirectory } from "./processes.ts";
import { Client, STATUS_REQUEST } from "./sockets.ts";

const KEY = "protocols.varint-state.favicon";

/** A PNG's start, with this width and a height of 64, and zeroes up to `bytes`. */
function png(width: number, bytes = 200): Uint8Array {
  const image = Buffer.alloc(bytes);
  Buffer.from("89504e470d0a1a0a0000000d49484452", "hex").copy(image);
  image.writeUInt32BE(width, 16);
  image.writeUInt32BE(64, 20);
  return image;
}

async function start(settings: readonly string[], file?: string): Promise<RunningServer> {
  const free = ANY_PORTS.filter((arg) => arg !== "--set");
  const given = [...free, "accounts=sqlite::memory:", ...settings];
  const server = await startServer(loadConfig({ env: {}, settings: given, file }).config);
  onTestFinished(() => server.close());
  return server;
}

const portOf = (server: RunningServer): number => server.ports["varint-state"]?.tcp as number;

describe("the icon of the status", () => {
  it("is read from a path that is relative to the configuration file", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "icon.png"), png(64));
    const file = join(directory, "wireyard.yaml");
    writeFileSync(file, "protocols: { varint-state: { favicon: icon.png } }\n");
    const server = await start([], file);
    const { status } = await fetchStatus({ url: `tcp://127.0.0.1:${portOf(server)}` });
    expect(status.favicon).toBe(`data:image/png;base64,${Buffer.from(png(64)).toString("base64")}`);
  });

  it.each([
    ["no file", undefined, "there is no such file"],
    ["a text", "hello", "this is no PNG; the icon must be a PNG of 64x64 pixels"],
    ["a PNG of another size", png(32), "this PNG has 32x64 pixels; the icon must have 64x64"],
    ["a large PNG", png(64, 16_385), "this PNG has 16385 bytes; the icon may have 16384"],
    ["a huge file", new Uint8Array(1_048_577), "it has 1048577 bytes, which no icon has"],
  ])(
    "that is %s ends the start with a line that names key, file and what would be right",
    async (_, content, text) => {
      const path = join(temporaryDirectory(), "icon.png");
      if (content !== undefined) writeFileSync(path, content);
      await expect(start([`${KEY}=${path}`])).rejects.toThrow(`${KEY}: ${path}: ${text}`);
    },
  );

  it("that is a directory ends it too", async () => {
    const path = temporaryDirectory();
    await expect(start([`${KEY}=${path}`])).rejects.toThrow(
      `${KEY}: ${path}: it is a directory; name a file`,
    );
  });

  it("leaves no room for everything at its largest: then too a line tells", async () => {
    const path = join(temporaryDirectory(), "icon.png");
    writeFileSync(path, png(64, 16_384));
    const long = "é".repeat(1_000);
    const settings = [`${KEY}=${path}`, `protocols.varint-state.description=${long}`];
    await start(settings);
    await expect(start([...settings, `protocols.varint-state.version.name=${long}`])).rejects.toThrow(
      /^protocols\.varint-state: the status takes \d+ characters; shorten version\.name or description/,
    );
  });
});

describe("the status", () => {
  const said = async (server: RunningServer): Promise<string> => {
    const colon = new Client(server.ports["colon-relay"]?.tcp as number);
    colon.send("0:ann:pw\n");
    await colon.receive(/^0:/);
    const pinger = new Client(portOf(server));
    pinger.send(STATUS_REQUEST);
    return pinger.receive(/\}$/);
  };

  it("tells who is logged in, over whatever protocol", async () => {
    expect(await said(await start([]))).toMatch(/"sample":\[\{"name":"ann","id":"[0-9a-f-]{36}"\}\]/);
  });

  it("does not where the operator does not want it", async () => {
    expect(await said(await start(["protocols.varint-state.sample=0"]))).toContain('"sample":[]');
  });
});

it("packetGapMs leaves a gap between packets", async () => {
  const server = await start(["protocols.varint-state.packetGapMs=60"]);
  const pinger = new Client(portOf(server));
  pinger.send(Uint8Array.of(...STATUS_REQUEST, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0x41));
  await pinger.receive(/\}$/);
  const started = performance.now();
  await pinger.receive(/A$/);
  expect(performance.now() - started).toBeGreaterThan(40);
});
