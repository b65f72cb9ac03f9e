import { decodeText, encodeText } from "@wireyard/framing";
import { memoryLinks } from "@wireyard/transport";
import { expect, test } from "vitest";
import { JsonPacketClient, type Packet } from "../src/client.ts";
import { createPacket, decodePacket, PacketEncoder } from "../src/index.ts";
import { readPacket } from "../src/packet-reader.ts";
import { Person, settle } from "./people.ts";

const CAME = '{"action":"news","data": [1.0, "\\u00e9"] ,"packet-created":1546300800.5,"token":"theirs"}';
const GOES = '{"action":"news","data":[1.0, "\\u00e9"],"packet-created":1546300800.5,"token":';

test("[JSON-2.7] a packet that a client got goes on by a server with its data byte for byte", () => {
  const encoder = new PacketEncoder("ours");
  const packet = readPacket(encodeText(CAME));
  const line = encoder.encode(packet);
  expect(decodeText(line)).toBe(`${GOES}"ours"}\n`);
  expect(encoder.encode(packet)).toBe(line);
});

test.each([
  ["a client", readPacket],
  ["a server", decodePacket],
])("a packet that %s got goes on by a client with its data byte for byte", async (_, read) => {
  const [here, away] = memoryLinks();
  const there = new Person(away);
  const client = new JsonPacketClient(here);
  client.bindAction("ask", (): Packet => read(encodeText(CAME)));
  client.sendPacket(read(encodeText(CAME)));
  there.say('{"action":"ask"}');
  await there.until(2);
  const [sent, answered] = there.lines;
  expect(sent).toBe(`${GOES}null}`);
  expect(answered).toContain('{"action":"ask","data":[1.0, "\\u00e9"],"packet-created":');
});

test("a packet without data or time goes on with null, as of now", async () => {
  const [here, away] = memoryLinks();
  const there = new Person(away);
  new JsonPacketClient(here).sendPacket(readPacket(encodeText('{"action":"bare"}')));
  await there.until(1);
  const [packet] = there.packets();
  expect(packet).toMatchObject({ action: "bare", data: null, token: null });
  expect(Date.now() / 1_000 - (packet?.["packet-created"] ?? 0)).toBeLessThan(60);
  expect(createPacket("x", readPacket(encodeText('{"action":"bare"}'))).data).toBeNull();
});

test("packets that come while a binding is being loaded wait for it, in their order", async () => {
  const [here, away] = memoryLinks();
  const there = new Person(away);
  const client = new JsonPacketClient(here);
  const handled: string[] = [];
  client.bindAction("note", (data) => void handled.push(`always ${data}`));
  client.bindAction("note", (data) => void handled.push(`once ${data}`), { once: true });
  there.say([1, 2].map((data) => `{"action":"note","data":${data}}`).join(""));
  await settle();
  await expect.poll(() => handled).toEqual(["once 1", "always 2"]);
});
