import { encodeText } from "@wireyard/framing";
import { createHub, type Hub, type HubOptions, memoryAccounts } from "@wireyard/session";
import { type Link, memoryLinks } from "@wireyard/transport";
import { type ColonRelay, type ColonRelayOptions, colonRelay } from "../src/server.ts";

/** Lets what was written travel: each way takes the end of a tick. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** A raw client that sees lines, with its own id shown as `me`. */
export class Person {
  readonly link: Link;
  readonly lines: string[] = [];
  closed = false;
  id = "";
  private rest = "";
  private waiting: { count: number; resolve(): void }[] = [];

  constructor(link: Link) {
    this.link = link;
    link.open({
      data: (chunk) => this.data(new TextDecoder().decode(chunk)),
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

  /** Resolves when this many lines have come in all. */
  until(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.lines.length >= count) resolve();
      else this.waiting.push({ count, resolve });
    });
  }

  /** What came in since the last call, the ids replaced by the names of `people`. */
  take(people: Record<string, Person> = {}): string[] {
    const named = Object.entries(people);
    return this.lines
      .splice(0)
      .map((line) =>
        named.reduce((text, [name, { id }]) => (id === "" ? text : text.replaceAll(id, name)), line),
      );
  }

  private data(text: string): void {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (this.id === "" && line.startsWith("0:")) this.id = line.split(":")[1] ?? "";
      this.lines.push(line);
    }
    for (const waiter of this.waiting.filter(({ count }) => this.lines.length >= count)) waiter.resolve();
    this.waiting = this.waiting.filter(({ count }) => this.lines.length < count);
  }
}

export interface Yard {
  hub: Hub;
  relay: ColonRelay;
  /** Moves the clock on, letting deadlines run out. */
  pass(ms: number): void;
  connect(remoteAddress?: string): Person;
  /** Connects and logs in; nothing is left to `take`. */
  person(name: string, remoteAddress?: string): Promise<Person>;
  /** What went wrong without a peer to blame. */
  reports: string[];
}

/** A relay on memory links, with a clock of its own. */
export function yard(options: ColonRelayOptions = {}, hubOptions: Partial<HubOptions> = {}): Yard {
  let now = 0;
  const reports: string[] = [];
  const hub = createHub({
    accounts: memoryAccounts({ iterations: 1 }),
    clock: () => now,
    report: (problem) => reports.push(problem),
    ...hubOptions,
  });
  const relay = colonRelay(hub, options);
  const connect = (remoteAddress = "192.0.2.1"): Person => {
    const [server, client] = memoryLinks({ remoteAddress });
    relay.accept(server);
    return new Person(client);
  };
  return {
    hub,
    relay,
    reports,
    connect,
    pass(ms) {
      const end = now + ms;
      while (now < end) {
        now = Math.min(now + 50, end);
        hub.tick();
      }
    },
    async person(name, remoteAddress) {
      const person = connect(remoteAddress);
      person.say(`0:${name}:pw\n`);
      await person.until(1);
      person.take();
      return person;
    },
  };
}
