import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { colonRelay } from "@wireyard/colon-relay/server";
import { commaCommand } from "@wireyard/comma-command/server";
import { encodeText } from "@wireyard/framing";
import { fromHex, type Vector } from "@wireyard/framing/testing";
import { jsonPacket } from "@wireyard/json-packet/server";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { listenTcp, listenTls, type StreamService } from "@wireyard/transport";
import { acceptWebSockets } from "@wireyard/transport/websocket";
import { varintState } from "@wireyard/varint-state/server";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDevCertificate } from "../apps/server/src/dev-certificate.ts";
import { clientVectors as colonVectors } from "../packages/colon-relay/test/vectors.ts";
import { CLIENT_VECTORS as COMMA_VECTORS } from "../packages/comma-command/test/vectors.ts";
import { vectors as jsonVectors } from "../packages/json-packet/test/vectors.ts";
import { closeFrame, frame, framesOf } from "../packages/transport/test/web-sockets.ts";
import { HANDSHAKE, clientVectors as varintVectors } from "../packages/varint-state/test/vectors.ts";

interface Protocol {
  serve(hub: Hub): StreamService;
  /** What is said before a vector, so that it meets a session that has begun. */
  opening: Uint8Array;
  vectors: readonly Vector[];
}

const HANDSHAKE_PACKET = '{"action":"handShake","data":{},"packet-created":1,"token":null}';

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  "colon-relay": { serve: colonRelay, opening: encodeText("0:ann:pw\n2:lobby\n"), vectors: colonVectors },
  "comma-command": { serve: commaCommand, opening: encodeText("\0\0\0\x06\0whoami"), vectors: COMMA_VECTORS },
  "varint-state": { serve: varintState, opening: fromHex(HANDSHAKE), vectors: varintVectors },
  "json-packet": { serve: jsonPacket, opening: encodeText(HANDSHAKE_PACKET), vectors: jsonVectors },
};

/** Says the chunks, ends, and gives all that came back until the other side ended. */
type Talk = (chunks: readonly Uint8Array[]) => Promise<Buffer>;

const { cert, key } = makeDevCertificate(["127.0.0.1"]);
/** What the listeners serve just now: each conversation has a hub of its own. */
let service: StreamService;
const current: StreamService = { accept: (link) => service.accept(link), tick: () => service?.tick() };

const tcp = await listenTcp(current, { port: 0 });
const tls = await listenTls(current, { port: 0, cert, key });
const web = createServer().listen(0, "127.0.0.1");
const mounts = await acceptWebSockets(web, { mounts: { "/ws": current }, allows: () => true });
beforeAll(async () => {
  if (!web.listening) await once(web, "listening");
});
afterAll(() => {
  for (const listener of [tcp, tls, mounts, web]) listener.close();
});

async function converse(socket: Socket, chunks: readonly Uint8Array[]): Promise<Buffer> {
  const received: Buffer[] = [];
  socket.on("data", (data: Buffer) => received.push(data));
  const closed = once(socket, "end");
  for (const chunk of chunks) await new Promise<void>((resolve) => socket.write(chunk, () => resolve()));
  socket.end();
  await closed;
  socket.destroy();
  return Buffer.concat(received);
}

function overTcp(chunks: readonly Uint8Array[]): Promise<Buffer> {
  const at = { port: tcp.port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true };
  return converse(createConnection(at), chunks);
}

async function overWebSocket(frames: readonly Uint8Array[]): Promise<Buffer> {
  const { port } = web.address() as AddressInfo;
  const socket = createConnection({ port, host: "127.0.0.1", noDelay: true });
  const head = "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13";
  socket.write(`GET /ws HTTP/1.1\r\n${head}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`);
  const answer = await converse(socket, [...frames, closeFrame(1000)]);
  const start = answer.indexOf("\r\n\r\n") + 4;
  const data = framesOf(answer.subarray(start)).filter(({ opcode }) => opcode === 2);
  return Buffer.concat(data.map(({ payload }) => payload));
}

const TRANSPORTS: Readonly<Record<string, Talk>> = {
  tcp: overTcp,
  async tls(chunks) {
    const socket = connectTls({ port: tls.port, host: "127.0.0.1", ca: cert });
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    return converse(socket, chunks);
  },
  "websocket, a message a chunk": (chunks) => overWebSocket(chunks.map((chunk) => frame(2, chunk))),
  // As text where it is that, which cut anywhere it is still.
  "websocket, a fragment a chunk": (chunks) => {
    const kind = isUtf8(Buffer.concat(chunks)) ? 1 : 2;
    const fragment = (chunk: Uint8Array, i: number): Uint8Array =>
      frame(i === 0 ? kind : 0, chunk, { fin: i === chunks.length - 1 });
    return overWebSocket(chunks.map(fragment));
  },
};

/** What a server says, without what it makes up: ids, tokens, times. */
function plain(bytes: Buffer): string {
  return bytes
    .toString("latin1")
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "TOKEN")
    .replace(/"packet-created":[\d.]+/g, '"packet-created":NOW')
    .replace(/\b\d{5,}(?=[:\n])/g, "ID");
}

function inRandomPieces(bytes: Uint8Array, seed: number): Uint8Array[] {
  const places = fc
    .uniqueArray(fc.nat(bytes.length), { maxLength: 6 })
    .map((cuts) => cuts.sort((a, b) => a - b));
  const [cuts = []] = fc.sample(places, { seed, numRuns: 1 });
  return [...cuts, bytes.length].map((end, i) => bytes.slice(i === 0 ? 0 : cuts[i - 1], end));
}

// [COLON-1.10] [COMMA-1.10] [VARINT-1.12] [JSON-1.11]
describe.each(Object.entries(PROTOCOLS))("%s", (_name, { serve, opening, vectors }) => {
  const begin = (): void => {
    service = serve(createHub({ accounts: memoryAccounts() }));
  };
  const bytesOf = ({ hex, text }: Vector): Uint8Array =>
    Buffer.concat([opening, hex === undefined ? encodeText(text ?? "") : fromHex(hex)]);

  test.each(Object.entries(TRANSPORTS))(
    "says over %s what it says over TCP, whole, byte by byte and in random cuts",
    async (_way, talk) => {
      let answered = 0;
      for (const [seed, vector] of vectors.entries()) {
        const bytes = bytesOf(vector);
        begin();
        const expected = plain(await overTcp([bytes]));
        if (expected !== "") answered++;
        const eachByte = Array.from(bytes, (_, i) => bytes.slice(i, i + 1));
        for (const chunks of [[bytes], eachByte, inRandomPieces(bytes, seed)]) {
          begin();
          expect(plain(await talk(chunks)), vector.name).toBe(expected);
        }
      }
      expect(answered).toBeGreaterThan(5);
    },
  );
});
