import { setImmediate as turn } from "node:timers/promises";
import { decodeText, encodeLine, encodeText, LineDecoder, ProtocolError } from "@wireyard/framing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type ConnectionEvent,
  Lifeline,
  type LifelineOptions,
  type Link,
  memoryLinks,
  pump,
  RECONNECT_DEFAULTS,
  Requests,
} from "../src/index.ts";
// Loaded before: with the clock stopped, no test can wait for that.
import "../src/way-back.ts";

/** A client of lines: what is asked is answered by the next line that starts with `=`; all others are events. */
class LineClient {
  readonly line: Lifeline<string>;
  readonly requests = new Requests<string, string>(1_000);
  /** What it says first on each new connection, and waits for the answer to. */
  greeting: string | undefined;

  constructor(link: Link, options: LifelineOptions) {
    this.line = new Lifeline<string>(link, options, {
      open: (link) =>
        pump(link, new LineDecoder({ maxLineBytes: 100 }), {
          event: (line) => this.receive(decodeText(line) as string),
          settled() {},
          failed: (error) => this.line.fail(error),
          closed: (reason) => this.line.closed(link, reason),
        }),
      restore: async () => {
        const answer = this.greeting === undefined ? "" : await this.askNow(this.greeting);
        if (answer.startsWith("=no")) throw new Error(answer);
      },
      lost: (error) => this.requests.refuseAll(error),
      isFinal: (error) => error instanceof Error && error.message === "=no, never",
    });
    this.line.start();
  }

  say(text: string): void {
    this.line.write(encodeLine(encodeText(text)));
  }

  async ask(text: string): Promise<string> {
    return this.line.ask(text.length, () => this.askNow(text));
  }

  private askNow(text: string): Promise<string> {
    this.line.link.write(encodeLine(encodeText(text)));
    return this.requests.ask(text);
  }

  private receive(line: string): void {
    if (!line.startsWith("=") || !this.requests.answer(() => true, line)) this.line.push(line);
  }
}

/** One connection as the server has it. */
class Served {
  readonly link: Link;
  heard = "";
  closed = false;

  constructor(link: Link) {
    this.link = link;
    link.open({
      data: (chunk) => {
        this.heard += decodeText(chunk);
      },
      ended: () => link.end(),
      drained() {},
      closed: () => {
        this.closed = true;
      },
    });
  }

  say(text: string): void {
    this.link.write(encodeLine(encodeText(text)));
  }
}

/** A client and the connections it has made, the last of them last; `down` refuses the next ones. */
function stage(options: LifelineOptions = {}) {
  const server = { served: [] as Served[], down: undefined as Error | undefined, tries: 0 };
  const accept = (): Link => {
    const [near, far] = memoryLinks();
    server.served.push(new Served(far));
    return near;
  };
  const connect = async (): Promise<Link> => {
    server.tries++;
    if (server.down !== undefined) throw server.down;
    return accept();
  };
  const client = new LineClient(accept(), { reconnect: true, connect, timeoutMs: 5_000, ...options });
  const last = (): Served => server.served.at(-1) as Served;
  return { client, server, last, events: client.line.iterate() };
}

const seen: (string | ConnectionEvent)[] = [];
/** Takes events until iteration ends, or throws what it throws. */
async function read(events: AsyncIterator<string | ConnectionEvent>): Promise<string> {
  try {
    for (;;) {
      const { value, done } = await events.next();
      if (done) return "ended";
      seen.push(value);
    }
  } catch (error) {
    return `threw ${(error as Error).message}`;
  }
}

/** Lets what was written travel. */
async function settle(): Promise<void> {
  for (let i = 0; i < 6; i++) await turn();
}

/** Lets time pass, and what comes of it. */
async function pass(ms: number): Promise<void> {
  await settle();
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
const LOST = { type: "lost", reason: "the connection is closed (ended)" } as const;
const BACK = { type: "back" } as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  vi.spyOn(Math, "random").mockReturnValue(1);
  seen.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a client that reconnects", () => {
  test("tells that it is lost and back, in order with what else happens", async () => {
    const { last, events } = stage();
    void read(events);
    last().say("one");
    last().link.end();
    await pass(100);
    last().say("two");
    await settle();
    expect(seen).toEqual(["one", LOST, BACK, "two"]);
  });

  test("waits longer each time, up to a limit, and a random part of it", async () => {
    const { server, last, events } = stage();
    void read(events);
    server.down = refused;
    last().link.destroy();
    const waits: number[] = [];
    await settle();
    for (let i = 0; i < 8; i++) {
      const { tries } = server;
      let ms = 0;
      for (; server.tries === tries; ms += 50) await pass(50);
      waits.push(ms);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000]);
    vi.mocked(Math.random).mockReturnValue(0.25);
    await pass(2_000);
    const { tries } = server;
    await pass(500);
    expect(server.tries).toBe(tries + 1);
    expect(RECONNECT_DEFAULTS).toMatchObject({ minMs: 100, maxMs: 2_000, factor: 2 });
  });

  test("begins with short waits again only where the connection held", async () => {
    const { server, last } = stage();
    for (const wait of [100, 200, 400]) {
      last().link.destroy();
      await pass(wait - 1);
      const { tries } = server;
      await pass(1);
      expect(server.tries).toBe(tries + 1);
    }
    await pass(2_000);
    last().link.destroy();
    await pass(100);
    expect(server.served).toHaveLength(5);
  });

  test("restores its state before it is back and before what waited is sent", async () => {
    const { client, last, events } = stage();
    client.greeting = "login";
    void read(events);
    last().link.end();
    await settle();
    client.say("while away");
    const answer = client.ask("question");
    await pass(100);
    expect(last().heard).toBe("login\n");
    client.say("while restoring");
    last().say("=welcome");
    await settle();
    expect(seen).toEqual([LOST, BACK]);
    expect(last().heard).toBe("login\nwhile away\nquestion\nwhile restoring\n");
    last().say("=answer");
    expect(await answer).toBe("=answer");
  });

  test("rejects what was asked over the lost connection, and does not ask it again", async () => {
    const { client, last } = stage();
    const asked = expect(client.ask("question")).rejects.toThrow("nobody knows whether it was done");
    await settle();
    last().link.end();
    await asked;
    await pass(100);
    expect(last().heard).toBe("");
  });

  test("rejects a request that waited too long to be asked, which is then never asked", async () => {
    const { client, server, last } = stage();
    server.down = refused;
    last().link.end();
    await settle();
    const asked = expect(client.ask("question")).rejects.toThrow(
      "no connection within 5000 ms: connect ECONNREFUSED",
    );
    await pass(5_000);
    await asked;
    server.down = undefined;
    await pass(2_000);
    expect([server.served.length, last().heard]).toEqual([2, ""]);
  });

  test.each([
    ["messages", { maxQueuedMessages: 2 }],
    ["bytes", { maxQueuedBytes: 5 }],
  ])("holds no more %s than it may, and says so", async (_, reconnect) => {
    const { client, last } = stage({ reconnect });
    last().link.end();
    await settle();
    client.say("a");
    client.say("b");
    expect(() => client.say("c")).toThrow("the connection is lost, and no more than");
    await expect(client.ask("c?")).rejects.toThrow("the connection is lost, and no more than");
    await pass(100);
    expect(last().heard).toBe("a\nb\n");
    client.say("c");
    await settle();
    expect(last().heard).toBe("a\nb\nc\n");
  });

  test("tries again where it is lost while it restores, and tells so", async () => {
    const { client, last, events } = stage();
    client.greeting = "login";
    void read(events);
    last().link.end();
    await pass(100);
    last().say("half");
    last().link.end();
    await pass(200);
    last().say("=welcome");
    await settle();
    expect(seen).toEqual([LOST, "half", LOST, BACK]);
  });

  test("tries again where it is refused for the moment, and leaves that connection", async () => {
    const { client, server, last, events } = stage();
    client.greeting = "login";
    void read(events);
    last().link.end();
    await pass(100);
    last().say("=no, not now");
    await pass(200);
    last().say("=welcome");
    await settle();
    expect(seen).toEqual([LOST, { type: "lost", reason: "=no, not now" }, BACK]);
    expect(server.served.map(({ closed }) => closed)).toEqual([true, true, false]);
  });

  test("comes back too where it is lost before what brings it back is loaded, and holds nothing until then", async () => {
    const { client, last, events } = stage();
    void read(events);
    client.line.lose(new Error("at once"));
    expect(() => client.say("early")).toThrow("at once");
    await expect(client.ask("early")).rejects.toThrow("at once");
    await pass(100);
    expect(seen).toEqual([{ type: "lost", reason: "at once" }, BACK]);
    client.say("later");
    await settle();
    expect(last().heard).toBe("later\n");
  });

  test("gives up a try that takes too long", async () => {
    const links: ((link: Link) => void)[] = [];
    const connect = (signal: AbortSignal): Promise<Link> =>
      new Promise((resolve, reject) => {
        links.push(resolve);
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    const { client, last } = stage({ connect });
    last().link.end();
    await pass(100);
    expect(links).toHaveLength(1);
    await pass(5_000);
    await pass(200);
    expect(links).toHaveLength(2);
    client.line.close();
    expect(client.line.state).toBe("ended");
  });
});

describe("a client that reconnects ends", () => {
  test("with the error, where to try again would fail in the same way", async () => {
    const { client, server, last, events } = stage();
    client.greeting = "login";
    const end = read(events);
    last().link.end();
    await settle();
    const waiting = expect(client.ask("question")).rejects.toThrow("=no, never");
    await pass(100);
    last().say("=no, never");
    expect(await end).toBe("threw =no, never");
    await waiting;
    await pass(10_000);
    expect([server.tries, last().closed]).toEqual([1, true]);
    await expect(client.ask("question")).rejects.toThrow("=no, never");
  });

  test("with the error, where a server breaks the wire or is not the one it has to be", async () => {
    const broken = stage();
    const brokenEnd = read(broken.events);
    broken.last().say("x".repeat(200));
    expect(await brokenEnd).toBe("threw a line is longer than 100 bytes");
    const other = stage();
    const otherEnd = read(other.events);
    other.server.down = new ProtocolError("bad_pin", "another certificate");
    other.last().link.end();
    await pass(100);
    expect(await otherEnd).toBe("threw another certificate");
  });

  test("when it is closed, connected or away", async () => {
    const up = stage();
    const upEnd = read(up.events);
    up.client.say("last words");
    up.client.line.close();
    await pass(10_000);
    expect([await upEnd, up.last().heard, up.server.tries]).toEqual(["ended", "last words\n", 0]);
    const away = stage();
    const awayEnd = read(away.events);
    away.last().link.end();
    await settle();
    const waiting = expect(away.client.ask("question")).rejects.toThrow("the client is closed");
    away.client.line.close();
    await waiting;
    await pass(10_000);
    expect([await awayEnd, away.server.tries]).toEqual(["ended", 0]);
  });

  test.each(["up", "waiting", "restoring"] as const)("when its signal aborts while it is %s", async (at) => {
    const stop = new AbortController();
    const { client, server, last, events } = stage({ signal: stop.signal });
    client.greeting = "login";
    const end = read(events);
    if (at !== "up") last().link.end();
    await (at === "restoring" ? pass(100) : settle());
    const waiting = expect(client.ask("question")).rejects.toThrow("enough");
    stop.abort(new Error("enough"));
    await waiting;
    expect(await end).toBe("ended");
    const { tries } = server;
    await pass(10_000);
    expect([server.tries, last().closed, vi.getTimerCount()]).toEqual([tries, true, 0]);
  });
});

test("a client that does not reconnect ends with its connection", async () => {
  const { client, server, last, events } = stage({ reconnect: false });
  const end = read(events);
  const asked = expect(client.ask("question")).rejects.toThrow("the connection is closed (ended)");
  last().link.end();
  await asked;
  expect([await end, seen, server.tries]).toEqual(["ended", [], 0]);
});

test("a client that does not reconnect tells its reader where it failed: at a broken wire, or read too slowly", async () => {
  const broken = stage({ reconnect: false });
  const brokenEnd = read(broken.events);
  broken.last().say("x".repeat(200));
  expect(await brokenEnd).toBe("threw a line is longer than 100 bytes");
  const slow = stage({ reconnect: false });
  for (let i = 0; i <= 10_000; i++) slow.client.line.push("news");
  expect(await read(slow.events)).toBe("threw events came faster than they were read");
  expect(seen).toHaveLength(10_000);
});

test("a client cannot reconnect without knowing how to connect", () => {
  const [link] = memoryLinks();
  expect(() => new LineClient(link, { reconnect: true })).toThrow("needs connect");
});
