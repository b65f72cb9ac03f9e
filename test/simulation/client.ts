import { ColonConnection, encodeClientMessage } from "@wireyard/colon-relay";
import type { Checker } from "./checker.ts";
import type { FarEnd, SimulatedLink } from "./link.ts";
import type { Process, Scheduler } from "./scheduler.ts";

/** What a client knows of the room it is in, from what it was told alone. */
export interface View {
  readonly room: string;
  /** Clients by their ids. */
  readonly members: Set<number>;
  master: number | undefined;
}

type Message = Parameters<typeof encodeClientMessage>[0];
type Heard = NonNullable<ReturnType<ColonConnection<"client">["next"]>>;

const UNKNOWN_COMMAND = new TextEncoder().encode("8\n");

/** A client of a colon relay that speaks bytes, and tells the checker all that it is told. */
export class Client implements FarEnd {
  /** Its number in the simulation: ids are of the server's making. */
  readonly number: number;
  readonly process: Process;
  readonly link: SimulatedLink;
  id: number | undefined;
  view: View | undefined;
  state: "open" | "closed" = "open";
  closedAt = Infinity;
  /** When each request was sent that is not done. */
  asked: number[] = [];
  sent = 0;
  /** The step in which the server wrote what is being heard: long ago, for one that did not read. */
  toldAt = 0;
  /** Whether it has stopped reading, and since when it reads. */
  isDeaf = false;
  listensSince = 0;
  /** Errors by their codes: what was refused. */
  readonly refused: Map<string, number> = new Map();
  private readonly connection = new ColonConnection({ role: "client", maxLineBytes: 65_536 });
  private readonly checker: Checker;
  private readonly scheduler: Scheduler;

  constructor(options: {
    number: number;
    process: Process;
    checker: Checker;
    scheduler: Scheduler;
    link: (far: FarEnd) => SimulatedLink;
  }) {
    this.number = options.number;
    this.process = options.process;
    this.checker = options.checker;
    this.scheduler = options.scheduler;
    this.link = options.link(this);
  }

  login(): void {
    this.ask({ type: "login", username: `client ${this.number}`, password: "" });
  }

  join(room: string): void {
    this.ask({ type: "join", room, password: "" });
  }

  leave(): void {
    this.ask({ type: "leave" });
  }

  list(): void {
    this.ask({ type: "list", password: "" });
  }

  /** Sends its next message; the body says which that is. */
  say(to: "others" | "all", ordered: boolean): void {
    const number = this.sent++;
    this.checker.sends(this, number, ordered);
    const body = new TextEncoder().encode(`${this.number}.${number}.${ordered ? "ordered" : "plain"}`);
    this.send({ type: "send", to, ordered, body });
  }

  stopReading(): void {
    this.isDeaf = true;
    this.link.stopReading();
  }

  startReading(): void {
    this.isDeaf = false;
    this.listensSince = this.scheduler.now;
    this.link.startReading();
  }

  hangUp(): void {
    this.link.hangUp();
    this.closed();
  }

  data(chunk: Uint8Array, writtenAt: number): void {
    if (this.state === "closed") return;
    this.toldAt = writtenAt;
    this.connection.feed(chunk);
    for (let heard = this.connection.next(); heard !== undefined; heard = this.connection.next())
      this.hear(heard);
    this.connection.keep();
  }

  closed(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.closedAt = this.scheduler.now;
    this.asked = [];
    this.checker.closes(this);
  }

  private hear(heard: Heard): void {
    switch (heard.type) {
      case "logged-in":
        this.id = heard.id;
        this.checker.logsIn(this, heard.id);
        return;
      case "joined":
        this.hearJoined(heard.id, heard.room);
        return;
      case "left":
        this.checker.leaves(this, heard.id);
        this.view?.members.delete(heard.id);
        if (heard.id === this.id) this.view = undefined;
        return;
      case "master":
        if (this.view !== undefined) this.view.master = heard.id;
        this.checker.masters(this, heard.id);
        return;
      case "message":
        this.checker.hears(this, heard.from, new TextDecoder().decode(heard.body));
        return;
      case "rooms":
        return;
      case "error":
        if (heard.code === "unknown_command") this.asked.shift();
        else this.refused.set(heard.code, (this.refused.get(heard.code) ?? 0) + 1);
        return;
      case "unknown":
        this.checker.fails("what is said can be understood", `client ${this.number} was told ${heard.line}`);
    }
  }

  private hearJoined(id: number, room: string): void {
    if (id === this.id) this.view = { room, members: new Set(), master: undefined };
    this.checker.joins(this, id, room);
    this.view?.members.add(id);
  }

  /** Whatever the answer is, or whether there is one: the one to an unknown command comes behind it. */
  private ask(message: Message): void {
    this.asked.push(this.scheduler.now);
    this.send(message);
    this.link.send(UNKNOWN_COMMAND);
  }

  private send(message: Message): void {
    this.link.send(encodeClientMessage(message));
  }
}
