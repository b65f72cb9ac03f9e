import { decodeText, encodeText } from "@wireyard/framing";
import { createHub, memoryAccounts } from "@wireyard/session";
import { type DatagramHandlers, listenTcp, listenUdp } from "@wireyard/transport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type ColonClient,
  type ColonClientOptions,
  type ColonEvent,
  connectColonRelay,
} from "../src/client.ts";
import { ClientDatagrams, type ClientDatagramsOptions } from "../src/client-datagrams.ts";
import { type ColonRelayUdpOptions, colonRelay } from "../src/server.ts";

describe("a client's datagrams", () => {
  const sent: string[] = [];
  const told: string[] = [];
  let handlers: DatagramHandlers;
  let closed: boolean;

  beforeEach(() => {
    vi.useFakeTimers();
    closed = false;
  });
  afterEach(() => {
    vi.useRealTimers();
    sent.length = 0;
    told.length = 0;
  });

  /** Datagrams of the session 70000 on a link made of arrays. */
  async function datagrams(options: Partial<ClientDatagramsOptions> = {}): Promise<ClientDatagrams> {
    const made = new ClientDatagrams({
      id: 70_000,
      cookie: undefined,
      tries: 4,
      open(own) {
        handlers = own;
        const send = (bytes: Uint8Array): void => void sent.push(decodeText(bytes) ?? "");
        return Promise.resolve({
          send,
          close: () => {
            closed = true;
          },
        });
      },
      settled: (state, reason) => told.push(`${state} ${reason}`),
      message: ({ from, body }) => told.push(`${from} ${decodeText(body)}`),
      ...options,
    });
    await vi.advanceTimersByTimeAsync(0);
    return made;
  }

  const hear = (text: string): void => handlers.datagram(encodeText(text));

  test("[COLON-5.10] repeat the bind until it is answered, waiting twice as long each time", async () => {
    const made = await datagrams();
    const counts = [sent.length];
    for (const ms of [99, 1, 199, 1]) {
      await vi.advanceTimersByTimeAsync(ms);
      counts.push(sent.length);
    }
    expect(counts).toEqual([1, 1, 2, 2, 3]);
    hear("0:70001:connected");
    expect(made.state).toBe("binding");
    hear("0:70000:connected");
    hear("0:70000:connected");
    await vi.advanceTimersByTimeAsync(60_000);
    expect([made.state, sent, told]).toEqual(["bound", Array(3).fill("0:70000"), ["bound "]]);
  });

  test("[COLON-5.10] give up after the last try, with the reason, and close", async () => {
    const made = await datagrams();
    handlers.failed(new Error("nobody is there"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([made.state, sent.length, closed]).toEqual(["unavailable", 4, true]);
    expect(told).toEqual(["unavailable no answer to 4 binds; the last error: nobody is there"]);
    hear("0:70000:connected");
    expect(made.state).toBe("unavailable");
  });

  test("give up at once where no link can be had", async () => {
    const made = await datagrams({ open: () => Promise.reject(new Error("no UDP here")) });
    expect([made.state, told]).toEqual(["unavailable", ["unavailable no UDP here"]]);
  });

  test("[COLON-5.5] bind with the cookie that was told", async () => {
    await datagrams({ cookie: "c-1" });
    expect(sent).toEqual(["0:70000:c-1"]);
  });

  test("send only when bound, and only what a datagram can hold", async () => {
    const made = await datagrams();
    const send = (body: string): boolean =>
      made.send({ type: "send", id: 70_000, to: "all", body: encodeText(body) });
    expect(send("early")).toBe(false);
    hear("0:70000:connected");
    sent.length = 0;
    expect(["hi", "x".repeat(65_507), "a\nb"].map(send)).toEqual([true, false, false]);
    expect(sent).toEqual(["70000:3:1:hi"]);
  });

  test("hear messages, drop what is none, and are silent when they are closed", async () => {
    const made = await datagrams();
    hear("0:70000:connected");
    hear("3:70001:a:b");
    hear("what?");
    handlers.datagram(Uint8Array.of(0x33, 0x3a, 0xff));
    made.close();
    hear("3:70001:late");
    expect([told, closed]).toEqual([["bound ", "70001 a:b"], true]);
  });

  test("close a link that is there only after the client has gone", async () => {
    let arrive: () => void = () => {};
    const link = { send: () => void sent.push(""), close: () => void told.push("closed") };
    const made = await datagrams({
      open: () =>
        new Promise((resolve) => {
          arrive = () => resolve(link);
        }),
    });
    made.close();
    arrive();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([sent, told]).toEqual([[], ["closed"]]);
  });
});

describe("a client of a relay with UDP", () => {
  const closing: (() => void)[] = [];

  afterEach(() => {
    for (const close of closing.splice(0)) close();
  });

  /** Serves a relay and gives what connects a client to it, logs in and joins. */
  async function relay(
    udp: Partial<ColonRelayUdpOptions> = {},
  ): Promise<(name: string, options?: Partial<ColonClientOptions>) => Promise<ColonClient>> {
    const hub = createHub({ accounts: memoryAccounts() });
    const service = colonRelay(hub, { udp });
    const listener = await listenTcp(service, { port: 0 });
    const socket = await listenUdp(service.datagrams, { port: 0 });
    closing.push(() => {
      listener.close();
      socket.close();
      for (const session of [...hub.sessions()]) session.peer.close("over");
    });
    return async (name, options = {}) => {
      const url = `tcp://127.0.0.1:${listener.port}`;
      const client = await connectColonRelay({
        url,
        timeoutMs: 5_000,
        udp: { port: socket.port },
        ...options,
      });
      await client.login(name);
      await client.join("lobby");
      return client;
    };
  }

  /** Waits for the event that `matches`. */
  async function until(client: ColonClient, matches: (event: ColonEvent) => boolean): Promise<ColonEvent> {
    for await (const event of client) if (matches(event)) return event;
    throw new Error("the client has ended");
  }
  const isUdp = ({ type }: ColonEvent): boolean => type === "udp";
  const isMessage = ({ type }: ColonEvent): boolean => type === "message";

  test.each([{}, { cookie: true }, { requireCookie: true }])(
    "[COLON-5.1] [COLON-5.5] binds and talks by datagram, with the relay's options %j",
    async (udp) => {
      const connect = await relay(udp);
      const [ann, bob] = [await connect("ann"), await connect("bob")];
      for (const client of [ann, bob]) {
        expect(await until(client, isUdp)).toEqual({ type: "udp", state: "bound", reason: "" });
      }
      const channel = "datagram";
      ann.send("hi: there", { channel });
      expect(await until(bob, isMessage)).toEqual({
        type: "message",
        from: ann.id,
        text: "hi: there",
        channel,
      });
      bob.defineGroup("g", [ann.id as number]);
      // What the stream answers is behind the group's definition.
      await bob.rooms();
      bob.sendToGroup("g", "psst", { channel });
      expect(await until(ann, isMessage)).toEqual({ type: "message", from: bob.id, text: "psst", channel });
      expect(() => ann.send("x", { ordered: true, channel })).toThrow("datagrams have no order");
      expect(() => ann.send("a\nb", { channel })).toThrow("line end");
    },
  );

  test("[COLON-5.10] goes on by stream where UDP is not to be had", async () => {
    const connect = await relay();
    const bob = await connect("bob", { udp: false });
    // `true` is the stream's port, where nothing listens for datagrams.
    const ann = await connect("ann", { udp: { tries: 1 } });
    expect(await until(ann, isUdp)).toMatchObject({
      state: "unavailable",
      reason: expect.stringMatching(/^no answer to 1 binds/),
    });
    expect([ann.udpState, bob.udpState]).toEqual(["unavailable", undefined]);
    ann.send("hi", { channel: "datagram" });
    expect(await until(bob, isMessage)).toMatchObject({ text: "hi", channel: "stream" });
  });
});
