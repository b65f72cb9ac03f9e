import type { Client } from "./client.ts";
import { OneOrder } from "./one-order.ts";
import type { Process, Scheduler } from "./scheduler.ts";

/** What must hold after every step, by name. */
export type Invariant =
  | "one master, who is a member"
  | "counts are members"
  | "no ghost past its lease"
  | "a sender's messages stay in order"
  | "ordered messages have one order"
  | "no message comes twice"
  | "no message is lost on a healthy way"
  | "who speaks is a member"
  | "who comes was away, and who leaves was here"
  | "ids are unique"
  | "what is asked is answered"
  | "all agree once all is well"
  | "what is said can be understood"
  | "nothing fails";

export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, text: string) {
    super(`${invariant}: ${text}`);
    this.name = "Violation";
    this.invariant = invariant;
  }
}

interface Sent {
  readonly ordered: boolean;
  /** The health of its way when it was sent. */
  readonly health: number;
  /** Whether its node handed it to the back plane: there was somebody elsewhere, as far as it knew. */
  wasPosted: boolean;
}

/** What a receiver has heard of one sender. */
interface Heard {
  /** Numbers up to the last that were not for it: they may not come later. */
  readonly seen: Set<number>;
  last: number;
  /** The last one heard since both have been in one room, with the health of both ways: when it was sent, and heard. */
  since: { number: number; sent: number; received: number } | undefined;
}

/** Compares what clients are told with what must be. It knows what they sent, and nothing of how they are served. */
export class Checker {
  readonly log: string[] = [];
  violation: Violation | undefined;
  private readonly scheduler: Scheduler;
  private readonly byId = new Map<number, Client>();
  private readonly heard = new Map<Client, Map<Client, Heard>>();
  /** Each client's messages by their numbers. */
  private readonly sentBy = new Map<Client, Sent[]>();
  /** The steps in which a node's way to the engine was lost, found, lost, ... */
  private readonly disturbances = new Map<Process, number[]>();
  private readonly order = new OneOrder();
  private readonly lastOrdered = new Map<Client, string>();
  messagesHeard = 0;

  private readonly logLines: number;

  /** @param logLines how many of the last lines the log keeps */
  constructor(scheduler: Scheduler, logLines: number) {
    this.scheduler = scheduler;
    this.logLines = logLines;
  }

  /** Keeps a line of what happens, for the log of a run that fails. */
  note(line: string): void {
    if (this.violation !== undefined) return;
    this.log.push(`${this.scheduler.steps} ${Math.round(this.scheduler.now)} ms  ${line}`);
    if (this.log.length > this.logLines) this.log.shift();
  }

  /** The first one counts: what follows may follow from it. */
  fails(invariant: Invariant, text: string): void {
    this.note(`VIOLATED ${invariant}: ${text}`);
    this.violation ??= new Violation(invariant, text);
  }

  /** A node's way to the engine was lost, or is there again: what was on it may be missing. */
  disturbed(process: Process): void {
    const steps = this.disturbances.get(process);
    if (steps === undefined) this.disturbances.set(process, [this.scheduler.steps]);
    else steps.push(this.scheduler.steps);
  }

  client(id: number): Client | undefined {
    return this.byId.get(id);
  }

  /** Starts anew where nothing is on its way. */
  forgetOrder(): void {
    this.order.clear();
    this.lastOrdered.clear();
  }

  logsIn(client: Client, id: number): void {
    const other = this.byId.get(id);
    // They are random: one of somebody long gone may come again.
    if (other?.state === "open")
      this.fails("ids are unique", `${name(client)} and ${name(other)} are both ${id}`);
    this.byId.set(id, client);
    this.heard.set(client, new Map());
    this.sentBy.set(client, []);
  }

  closes(client: Client): void {
    this.note(`${name(client)} is gone`);
    this.heard.delete(client);
    this.lastOrdered.delete(client);
  }

  sends(client: Client, number: number, ordered: boolean): void {
    this.sentBy.get(client)?.push({ ordered, health: this.healthOf(client.process), wasPosted: false });
    this.note(`${name(client)} sends ${number}${ordered ? ", ordered" : ""}`);
  }

  posts(body: string, from: number): void {
    const sender = this.byId.get(from);
    const sent = sender === undefined ? undefined : this.sentBy.get(sender)?.[Number(body.split(".")[1])];
    if (sent !== undefined) sent.wasPosted = true;
  }

  joins(receiver: Client, id: number, room: string): void {
    const joined = this.byId.get(id);
    if (joined === undefined) return;
    if (joined === receiver) {
      this.note(`${name(receiver)} is in ${room}`);
      this.lastOrdered.delete(receiver);
    } else if (receiver.view?.room !== room || receiver.view.members.has(id)) {
      this.fails(
        "who comes was away, and who leaves was here",
        `${name(receiver)}, in ${receiver.view?.room}, is told that ${name(joined)} joined ${room}`,
      );
    }
    const heard = this.heard.get(receiver)?.get(joined);
    if (heard !== undefined) heard.since = undefined;
    if (joined === receiver)
      for (const each of this.heard.get(receiver)?.values() ?? []) each.since = undefined;
  }

  leaves(receiver: Client, id: number): void {
    const { view } = receiver;
    if (view?.members.has(id) === true) return;
    const left = this.byId.get(id);
    this.fails(
      "who comes was away, and who leaves was here",
      `${name(receiver)} is told that ${left === undefined ? id : name(left)} left ${view?.room}`,
    );
  }

  masters(receiver: Client, id: number): void {
    if (receiver.view?.members.has(id) === true) return;
    this.fails(
      "one master, who is a member",
      `${name(receiver)} is told of ${id}, who is no member it knows`,
    );
  }

  hears(receiver: Client, from: number, body: string): void {
    this.messagesHeard++;
    const [clientNumber, text, kind] = body.split(".") as [string, string, string];
    const sender = this.byId.get(from);
    if (sender === undefined || sender.number !== Number(clientNumber)) {
      this.fails("who speaks is a member", `${name(receiver)} hears ${body} from ${from}`);
      return;
    }
    const { view } = receiver;
    const what = `${name(receiver)} hears ${text} of ${name(sender)}`;
    if (!view?.members.has(from))
      this.fails("who speaks is a member", `${what}, who is not in ${view?.room}`);
    else if (view.master === undefined || !view.members.has(view.master)) {
      this.fails("one master, who is a member", `${what} in ${view.room} without a master`);
    }
    this.compare(receiver, sender, Number(text), what);
    if (kind === "ordered") {
      if (!this.order.follows(this.lastOrdered.get(receiver), body)) {
        this.fails("ordered messages have one order", `${what}, behind ${this.lastOrdered.get(receiver)}`);
      }
      this.lastOrdered.set(receiver, body);
    }
  }

  /** After everybody has spoken in peace: everybody in a room has heard the last word of everybody in it. */
  checkSpoken(clients: Iterable<Client>): void {
    for (const receiver of clients) {
      if (receiver.state === "closed") continue;
      for (const id of receiver.view?.members ?? []) {
        const sender = this.byId.get(id) as Client;
        const last = this.heard.get(receiver)?.get(sender)?.last;
        if (last === sender.sent - 1) continue;
        const text = `${name(receiver)} has heard ${last} of ${name(sender)}, who said ${sender.sent - 1} in peace`;
        this.fails("no message is lost on a healthy way", text);
      }
    }
  }

  private compare(receiver: Client, sender: Client, number: number, what: string): void {
    const byReceiver = this.heard.get(receiver);
    if (byReceiver === undefined) return;
    let heard = byReceiver.get(sender);
    if (heard === undefined) {
      heard = { seen: new Set(), last: -1, since: undefined };
      byReceiver.set(sender, heard);
    }
    if (heard.seen.has(number)) this.fails("no message comes twice", what);
    else if (number < heard.last)
      this.fails("a sender's messages stay in order", `${what}, after ${heard.last}`);
    else if (heard.since !== undefined && this.isMissing(receiver, sender, heard.since, number)) {
      this.fails("no message is lost on a healthy way", `${what}, after ${heard.since.number}`);
    }
    heard.seen.add(number);
    heard.last = Math.max(heard.last, number);
    const sent = this.sentBy.get(sender)?.[number]?.health as number;
    heard.since = { number, sent, received: this.healthOf(receiver.process, receiver.toldAt) };
  }

  /** Whether something between two messages of one sender should have been heard. */
  private isMissing(
    receiver: Client,
    sender: Client,
    since: NonNullable<Heard["since"]>,
    number: number,
  ): boolean {
    // What it sends to the others it does not hear.
    if (receiver === sender || number === since.number + 1) return false;
    const health = this.healthOf(sender.process);
    if (since.sent !== health) return false;
    if (since.received !== this.healthOf(receiver.process, receiver.toldAt)) return false;
    const skipped = this.sentBy.get(sender)?.slice(since.number + 1, number) ?? [];
    const isAway = health % 2 === 1 || since.received % 2 === 1;
    // Local rooms go on without the engine: only what needs its order is refused.
    if (receiver.process === sender.process) return skipped.some(({ ordered }) => !isAway || !ordered);
    // What was said before the sender's node heard of anybody elsewhere stays there.
    return !isAway && skipped.some(({ wasPosted }) => wasPosted);
  }

  /** How often a node's way to the engine had been lost and found by a step: while that is odd, it is lost. */
  private healthOf(process: Process, step: number = Infinity): number {
    const steps = this.disturbances.get(process) ?? [];
    let count = steps.length;
    while (count > 0 && (steps[count - 1] as number) > step) count--;
    return count;
  }
}

export function name(client: Client): string {
  return `c${client.number}@${client.process.name}`;
}
