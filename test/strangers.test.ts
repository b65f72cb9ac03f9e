import { colonRelay } from "@wireyard/colon-relay/server";
import { commaCommand } from "@wireyard/comma-command/server";
import { jsonPacket } from "@wireyard/json-packet/server";
import { createHub, type Hub, memoryAccounts } from "@wireyard/session";
import { type Link, memoryLinks, type StreamService } from "@wireyard/transport";
import { varintState } from "@wireyard/varint-state/server";
import { expect, test, vi } from "vitest";
import { commaFrame } from "../soak/src/wire.ts";

/** A connection to a service, and how it stands. */
function connect(service: StreamService): { link: Link; heard: () => string; isOpen: () => boolean } {
  const [server, link] = memoryLinks();
  let heard = "";
  let isOpen = true;
  const gone = (): void => {
    isOpen = false;
  };
  link.open({
    data: (chunk) => {
      heard += new TextDecoder().decode(chunk);
    },
    ended: gone,
    drained() {},
    closed: gone,
  });
  service.accept(server);
  return { link, heard: () => heard, isOpen: () => isOpen };
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const HANDSHAKE = '{"action":"handShake","data":null,"packet-created":1,"token":null}';

/** A server of each protocol, what makes a client of it known, and a word of the answer to that, where there is one. */
const PROTOCOLS: readonly [string, (hub: Hub) => StreamService, Uint8Array, string][] = [
  ["colon relay", (hub) => colonRelay(hub), bytes("0:ann:pw\n"), "0:"],
  ["comma command", (hub) => commaCommand(hub), commaFrame("login,ann,pw"), "ok"],
  ["VarInt state", (hub) => varintState(hub), Uint8Array.of(7, 0, 0, 1, 0x61, 0, 0, 1, 1, 0), "{"],
  ["JSON packet", (hub) => jsonPacket(hub), bytes(HANDSHAKE), "success"],
];

test.each(PROTOCOLS)(
  "a full %s closes who says nothing, for a newcomer, and never who has said who it is",
  async (_, make, hello, answer) => {
    let now = 0;
    const accounts = memoryAccounts({ iterations: 1 });
    await accounts.register("ann", "pw");
    const hub = createHub({ accounts, limits: { maxConnections: 2 }, clock: () => now });
    const service = make(hub);
    const [known, silent] = [connect(service), connect(service)];
    known.link.write(hello);
    await vi.waitFor(() => expect(known.heard()).toContain(answer), 10_000);
    const tooSoon = connect(service);
    await vi.waitFor(() => expect(tooSoon.isOpen()).toBe(false), 10_000);
    now = 1_000;
    const newcomer = connect(service);
    newcomer.link.write(hello);
    await vi.waitFor(() => expect(newcomer.heard()).toContain(answer), 10_000);
    expect([known, silent, newcomer].map(({ isOpen }) => isOpen())).toEqual([true, false, true]);
  },
);
