import type { Machine } from "@wireyard/framing/testing";
import { JsonPacketConnection, type Packet } from "../src/index.ts";

/** A packet as plain data, for comparisons: its own fields are private. */
export function seen(packet: Packet): Record<string, unknown> {
  const { action, dataBytes, created, token, missing } = packet;
  return { action, data: dataBytes, created, token, ...(missing !== undefined && { missing }) };
}

/** One side of a connection that gives packets as plain data. */
export function machine(role: "server" | "client", maxPacketBytes = 65_536): Machine {
  const connection = new JsonPacketConnection({ role, maxPacketBytes });
  return {
    feed: (chunk) => connection.feed(chunk),
    next() {
      const packet = connection.next();
      return packet && seen(packet);
    },
  };
}
