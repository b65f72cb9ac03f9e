import { redisBackplane } from "@wireyard/backplane-redis";
import { colonRelay } from "@wireyard/colon-relay/server";
import { type Backplane, createHub, type Hub, memoryAccounts } from "@wireyard/session";
import type { StreamService } from "@wireyard/transport";
import type { Checker } from "./checker.ts";
import { Process, type Scheduler } from "./scheduler.ts";

const TICK_MS = 200;
const DRAIN_MS = 3_000;

/** One node: a colon relay on a hub on the back plane, as a server has it, in a process of its own. */
export class SimulatedNode {
  readonly process: Process;
  readonly leaseMs: number;
  /** Since when nothing is wrong with its way to the engine; `Infinity` while something is. */
  healthySince: number;
  private readonly scheduler: Scheduler;
  private service: StreamService | undefined;
  private hub: Hub | undefined;

  constructor(options: {
    name: string;
    leaseMs: number;
    scheduler: Scheduler;
    checker: Checker;
    wrap: (backplane: Backplane) => Backplane;
  }) {
    const { name, leaseMs, scheduler, checker } = options;
    this.scheduler = scheduler;
    this.process = new Process(name);
    this.leaseMs = leaseMs;
    this.healthySince = scheduler.now;
    const disturbed = (problem: string, error?: unknown): void => {
      checker.note(`${name}: ${problem}${error instanceof Error ? ` (${error.message})` : ""}`);
      checker.disturbed(this.process);
    };
    const start = (): void => {
      const backplane = redisBackplane({
        url: "redis://model",
        nodeId: name,
        leaseMs,
        prefix: "sim",
        report: disturbed,
      });
      const hub = createHub({
        accounts: memoryAccounts(),
        backplane: watchPosts(options.wrap(backplane), checker),
        clock: () => scheduler.now,
        limits: { connectionRatePerIp: 1_000_000, connectionsPerIp: 1_000_000 },
        report: (problem, error) => checker.fails("nothing fails", `${name}: ${problem}: ${stackOf(error)}`),
      });
      this.hub = hub;
      this.service = colonRelay(hub);
      const tick = (): void => {
        hub.tick();
        scheduler.after(TICK_MS, tick);
      };
      tick();
    };
    scheduler.after(0, start, this.process);
  }

  get isUp(): boolean {
    return this.service !== undefined && this.process.state === "running";
  }

  accept(link: Parameters<StreamService["accept"]>[0]): void {
    this.service?.accept(link);
  }

  /** What this node's own view of a room must be, whatever happens. @returns what is wrong with it */
  problemIn(room: string): string | undefined {
    const seen = this.hub?.room(room);
    if (seen === undefined) return undefined;
    const ids = seen.members.map(({ id }) => id);
    if (seen.locals.length === 0) return `${room} is kept without anybody of this node`;
    if (new Set(ids).size !== ids.length) return `${room} lists somebody twice: ${ids.join(" ")}`;
    for (const session of seen.locals) {
      if (!ids.includes(session.id)) return `${room} does not list ${session.id}, who is here`;
      if (session.room !== seen) return `${session.id} is listed in ${room} and thinks it is elsewhere`;
    }
    return undefined;
  }

  /** Members of a room in join order, where this node has somebody in it. */
  membersOf(room: string): number[] | undefined {
    return this.hub?.room(room)?.members.map(({ id }) => id);
  }

  /** As on SIGTERM: clients are told to go, those that do not are cut, and the node leaves; then `done`. */
  stop(cut: () => void, done: () => void): void {
    const { hub, scheduler } = this;
    if (hub === undefined) {
      done();
      return;
    }
    for (const session of [...hub.sessions()]) session.peer.close("the server stops");
    const end = scheduler.now + DRAIN_MS;
    const leave = (): void => {
      if (hub.sessionCount > 0 && scheduler.now < end) scheduler.after(TICK_MS, leave);
      else if (hub.sessionCount > 0) {
        cut();
        scheduler.after(TICK_MS, leave);
      } else void hub.shutdown().then(done);
    };
    leave();
  }
}

/** Tells the checker which messages a hub hands to its back plane: those for members that it knows of elsewhere. */
function watchPosts(backplane: Backplane, checker: Checker): Backplane {
  return {
    open(receive, sessions) {
      const node = backplane.open(receive, sessions);
      const post: typeof node.post = (room, message, echo) => {
        checker.posts(new TextDecoder().decode(message.body), message.from.id);
        return node.post(room, message, echo);
      };
      return new Proxy(node, {
        get: (_, name) => {
          if (name === "post") return post;
          const value: unknown = Reflect.get(node, name);
          return typeof value === "function" ? value.bind(node) : value;
        },
      });
    },
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
