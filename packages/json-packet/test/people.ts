import { encodeText } from "@wireyard/framing";
import { type AccountStore, createHub, type Hub, type HubOptions, memoryAccounts } from "@wireyard/session";
import { type Link, memoryLinks } from "@wireyard/transport";
import { expect } from "vitest";
import { type JsonPacketOptions, type JsonPacketServer, jsonPacket } from "../src/server.ts";

/** Lets what was written travel: each way takes the end of a tick. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

export interface Heard {
  action: string;
  data: unknown;
  "packet-created": number;
  token: string;
}

/** A raw client: it says text, and hears lines of JSON. */
export class Person {
  readonly link: Link;
  /** What came in, as text and as packets. */
  readonly lines: string[] = [];
  closed = false;
  token = "";
  private rest = "";
  private waiting: { count: number; resolve(): void }[] = [];

  constructor(link: Link) {
    this.link = link;
    link.open({
      data: (chunk) => this.hear(new TextDecoder().decode(chunk)),
      ended: () => link.end(),
      drained() {},
      closed: () => {
        this.closed = true;
      },
    });
  }

  say(text: string): void {
    this.link.write(encodeText(text));
  }

  /** Says a packet with this person's token; `data` is JSON. */
  send(action: string, data = "null"): void {
    this.say(`{"action":"${action}","data":${data},"packet-created":1.5,"token":"${this.token}"}`);
  }

  /** Resolves when this many packets are there to be taken. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.lines.length >= count) resolve();
      else this.waiting.push({ count, resolve });
    });
  }

  /** What came in since the last call. */
  packets(): Heard[] {
    return this.lines.splice(0).map((line) => JSON.parse(line) as Heard);
  }

  /** The same, as action and data; of errors the code alone. */
  take(): unknown[] {
    return this.packets().map(({ action, data }) =>
      action === "error" ? [action, (data as { code: string }).code] : [action, data],
    );
  }

  private hear(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    this.lines.push(...lines);
    for (const waiter of this.waiting.filter(({ count }) => this.lines.length >= count)) waiter.resolve();
    this.waiting = this.waiting.filter(({ count }) => this.lines.length < count);
  }
}

export interface Yard {
  hub: Hub;
  server: JsonPacketServer;
  /** Moves the clock on, letting deadlines run out. */
  pass(ms: number): void;
  connect(remoteAddress?: string): Person;
  /** Connects and shakes hands; nothing is left to `take`. */
  person(credentials?: { username: string; password: string }): Promise<Person>;
  /** What went wrong without a peer to blame. */
  reports: string[];
}

/** A server on memory links, with a clock of its own. */
export function yard(options: JsonPacketOptions = {}, hubOptions: Partial<HubOptions> = {}): Yard {
  let now = 0;
  const reports: string[] = [];
  const hub = createHub({
    accounts: memoryAccounts({ iterations: 1 }),
    clock: () => now,
    report: (problem, error) => reports.push(`${problem}: ${error instanceof Error ? error.message : error}`),
    ...hubOptions,
  });
  const server = jsonPacket(hub, options);
  const connect = (remoteAddress = "192.0.2.1"): Person => {
    const [here, there] = memoryLinks({ remoteAddress });
    server.accept(here);
    return new Person(there);
  };
  return {
    hub,
    server,
    reports,
    connect,
    pass(ms) {
      const end = now + ms;
      while (now < end) {
        now = Math.min(now + 50, end);
        server.tick();
      }
    },
    async person(credentials) {
      const person = connect();
      person.say(`{"action":"handShake","data":${JSON.stringify(credentials ?? null)}}`);
      await person.until(1);
      const [answer] = person.packets() as [Heard];
      person.token = (answer.data as { uuid: string }).uuid;
      return person;
    },
  };
}

/** A store that knows ann, whose password is `secret`. */
export async function withAnn(): Promise<{ accounts: AccountStore }> {
  const accounts = memoryAccounts({ iterations: 1 });
  await accounts.register("ann", "secret");
  return { accounts };
}
export const ann = { username: "ann", password: "secret" };
export const credentials = (username: string, password: string): string =>
  `{"action":"handShake","data":${JSON.stringify({ username, password })}}`;

/** What a person heard, once all that was written has travelled. */
export async function heard(person: Person): Promise<unknown[]> {
  await settle();
  return person.take();
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Data of a handshake's answer, and the answer as `take` gives it. */
export const greeting = {
  status: "success",
  uuid: expect.stringMatching(UUID),
  remoteToken: expect.stringMatching(UUID),
};
export const shaken = ["handShake", greeting];
