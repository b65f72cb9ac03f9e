import { JsonObjectDecoder } from "@wireyard/framing";
import type { Machine } from "@wireyard/framing/testing";
import { JsonPacketConnection, type Packet } from "../src/index.ts";
import { readPacket } from "../src/packet-reader.ts";

/** A packet as plain data, for comparisons: its own fields are private. */
export function seen(packet: Packet): Record<string, unknown> {
  const { action, dataBytes, created, token, missing } = packet;
  return { action, data: dataBytes, created, token, ...(missing !== undefined && { missing }) };
}

/** One side of a connection that gives packets as plain data. */
export function machine(role: "server" | "client", maxPacketBytes = 65_536): Machine {
  return machineOf(new JsonPacketConnection({ role, maxPacketBytes }));
}

/** The same, of what `JsonPacketClient` reads with. */
export function lightMachine(): Machine {
  const values = new JsonObjectDecoder({ maxValueBytes: 65_536 });
  return machineOf({
    feed: (chunk) => values.feed(chunk),
    next() {
      const value = values.next();
      return value && readPacket(value);
    },
  });
}

function machineOf(connection: Pick<JsonPacketConnection, "feed"> & { next(): Packet | undefined }): Machine {
  return {
    feed: (chunk) => connection.feed(chunk),
    next() {
      const packet = connection.next();
      return packet && seen(packet);
    },
  };
}
