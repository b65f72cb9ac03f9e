import { expect, test } from "vitest";
import { createHub, type Hub, memoryAccounts, type Session } from "../src/index.ts";

const peer = { deliver() {}, expired() {}, close() {} };

function open(hub: Hub, protocol: string, remoteAddress = "192.0.2.1"): Session {
  return hub.open({ protocol, transport: "tcp", remoteAddress, peer });
}

function makeHub(limits: object = {}): Hub {
  return createHub({ accounts: memoryAccounts({ iterations: 1 }), limits, clock: () => 0 });
}

test("sessions are counted by protocol, those that are open and those that were", () => {
  const hub = makeHub();
  const [a, b] = [open(hub, "a"), open(hub, "b")];
  open(hub, "a");
  hub.close(a);
  hub.close(a);
  hub.close(b, true);
  expect(Object.fromEntries(hub.counters.protocols)).toEqual({
    a: { sessions: 1, opened: 2, received: 0, delivered: 0, slowReaders: 0 },
    b: { sessions: 0, opened: 1, received: 0, delivered: 0, slowReaders: 1 },
  });
});

test("deliveries are counted for each that gets one, whatever its protocol", () => {
  const hub = makeHub();
  const [ann, bob] = [open(hub, "a"), open(hub, "b")];
  // Ann is told of herself as member and master, then of bob; bob of both and of the master.
  hub.join(ann, "lobby", "");
  hub.join(bob, "lobby", "");
  expect([ann.counts.delivered, bob.counts.delivered]).toEqual([3, 3]);
  hub.post(ann, Uint8Array.of(1), { toSender: false, ordered: false, channel: "stream" });
  hub.defineGroup(ann, "g", [ann.id, bob.id]);
  hub.postToGroup(ann, "g", Uint8Array.of(1), "stream");
  expect([ann.counts.delivered, bob.counts.delivered]).toEqual([4, 5]);
  expect(hub.roomCount).toBe(1);
  expect(hub.room("lobby")?.members.map(({ id }) => id)).toEqual([ann.id, bob.id]);
  expect(hub.room("garage")).toBeUndefined();
});

test("refused connections are counted by their reason", () => {
  const total = makeHub({ maxConnections: 1 });
  const address = makeHub({ connectionsPerIp: 1 });
  const rate = makeHub({ connectionRatePerIp: 1 });
  for (const hub of [total, address, rate]) {
    open(hub, "a");
    expect(() => open(hub, "a")).toThrow("too many connections");
  }
  expect(total.counters.refused).toEqual({ total: 1, address: 0, rate: 0 });
  expect(address.counters.refused).toEqual({ total: 0, address: 1, rate: 0 });
  expect(rate.counters.refused).toEqual({ total: 0, address: 0, rate: 1 });
});

test("registrations, users and failed logins are counted", async () => {
  const hub = makeHub();
  const [one, two] = [open(hub, "a"), open(hub, "b")];
  await hub.register(one, "ann", "pw");
  await expect(hub.login(one, "ann", "no")).rejects.toThrow();
  await hub.login(one, "ann", "pw");
  await hub.login(two, "ANN", "pw");
  expect([hub.counters.registrations, hub.counters.loginFailures, hub.userCount]).toEqual([1, 1, 1]);
});
