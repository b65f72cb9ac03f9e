import type { Connection, ConnectionHandlers } from "../../packages/backplane-redis/src/connection.ts";
import { LuaScripts } from "./lua.ts";
import { Pipe } from "./pipe.ts";
import type { Random } from "./random.ts";
import { type Answer, RedisModel } from "./redis-model.ts";
import type { Process, Scheduler } from "./scheduler.ts";

/** All that the back plane's own connection shows. */
type Shown = { readonly [Name in keyof Connection]: Connection[Name] };

const CONNECT_MS = 2_000;
/** What all keys and channels start with. */
export const TAG = "{sim}";

/** What happens in an engine, in its order. */
export type Trace =
  | { readonly type: "run"; readonly script: string; readonly args: readonly Uint8Array[]; answer: Answer }
  | { readonly type: "published"; readonly channel: string; readonly body: string }
  | { readonly type: "expired"; readonly key: string }
  | { readonly type: "killed" };

/** A model of the engine: its data, its clock, its scripts as they are, and the wires to it. One thread, as Redis has. */
export class Engine {
  readonly scheduler: Scheduler;
  readonly random: Random;
  state: "up" | "down" = "up";
  /** What each way takes beside its usual milliseconds. */
  slowMs = 0;
  /** Told of all that happens. */
  trace: (what: Trace) => void = () => {};
  /** Whether a command has been run since somebody looked. */
  isTouched = false;
  readonly connections: Set<EngineConnection> = new Set();
  readonly partitioned: Set<Process> = new Set();
  private readonly scripts: LuaScripts;
  private redis: RedisModel;

  constructor(scheduler: Scheduler, random: Random, scripts: Readonly<Record<string, string>>) {
    this.scheduler = scheduler;
    this.random = random;
    this.scripts = new LuaScripts(scripts);
    this.redis = this.emptyRedis();
  }

  /** Runs one command, for those who look at the state. */
  look(command: string, key: string, ...args: string[]): Answer {
    return this.redis.call(command, `${TAG}:${key}`, ...args);
  }

  /** Runs a script at once. */
  run(script: string, args: readonly Uint8Array[]): Answer {
    this.isTouched = true;
    const call = ([command = "", ...rest]: string[]): Answer => this.redis.call(command, ...rest);
    const answer = this.scripts.run(script, TAG, args, call);
    this.trace({ type: "run", script, args, answer });
    return answer;
  }

  /** Connects the process that is running. */
  connect(handlers: ConnectionHandlers): Promise<EngineConnection> {
    const process = this.scheduler.current as Process;
    return new Promise((resolve, reject) => {
      if (this.partitioned.has(process)) {
        this.scheduler.after(CONNECT_MS, () => reject(new Error("connect ETIMEDOUT")), process);
        return;
      }
      this.scheduler.after(
        this.latency(),
        () => {
          if (this.state === "down") reject(new Error("connect ECONNREFUSED"));
          else resolve(new EngineConnection(this, process, handlers));
        },
        process,
      );
    });
  }

  latency(): number {
    return this.random.below(4) + this.slowMs;
  }

  /** Silence: nothing gets through, and neither side is told. */
  partition(process: Process): void {
    this.partitioned.add(process);
    for (const connection of this.of(process)) connection.hold();
  }

  heal(process: Process): void {
    this.partitioned.delete(process);
    for (const connection of this.of(process)) connection.release();
  }

  /** The process's connections break; what was on its way may or may not have arrived. */
  reset(process: Process): void {
    for (const connection of this.of(process)) connection.cut();
  }

  /** The engine is killed: all that it knew is gone. */
  kill(): void {
    this.state = "down";
    for (const connection of [...this.connections]) connection.cut();
    this.redis = this.emptyRedis();
    this.trace({ type: "killed" });
    this.isTouched = true;
  }

  private of(process: Process): EngineConnection[] {
    return [...this.connections].filter((connection) => connection.process === process);
  }

  private emptyRedis(): RedisModel {
    return new RedisModel(() => this.scheduler.now, {
      publish: (channel, body) => {
        this.trace({ type: "published", channel, body });
        let heard = 0;
        for (const connection of this.connections) if (connection.hear(channel, body)) heard++;
        return heard;
      },
      expired: (key) => this.trace({ type: "expired", key }),
    });
  }
}

interface Call {
  run: () => unknown;
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/** What `Connection` of the back plane is, to the model: two sockets, one for scripts and one that hears channels. */
export class EngineConnection implements Shown {
  readonly buckets = 1;
  replies = 0;
  readonly process: Process;
  private readonly engine: Engine;
  private readonly handlers: ConnectionHandlers;
  private readonly channels = new Set<string>();
  private readonly waiting = new Set<Call>();
  private readonly asked: Record<"scripts" | "channels", Pipe<Call | "bye">>;
  private readonly answered: Record<"scripts" | "channels", Pipe<() => void>>;
  private state: "open" | "closed" = "open";

  constructor(engine: Engine, process: Process, handlers: ConnectionHandlers) {
    this.engine = engine;
    this.process = process;
    this.handlers = handlers;
    const { scheduler } = engine;
    const latency = (): number => engine.latency();
    const answers = (): Pipe<() => void> =>
      new Pipe({ scheduler, latency, process, deliver: (answer) => answer() });
    this.answered = { scripts: answers(), channels: answers() };
    const questions = (socket: "scripts" | "channels"): Pipe<Call | "bye"> =>
      new Pipe({ scheduler, latency, process: null, deliver: (call) => this.serve(socket, call) });
    this.asked = { scripts: questions("scripts"), channels: questions("channels") };
    engine.connections.add(this);
    if (engine.partitioned.has(process)) this.hold();
  }

  get isOpen(): boolean {
    return this.state === "open";
  }

  bucketOf(_name: string): number {
    return 0;
  }

  run(_bucket: number, script: string, args: readonly (string | number | Buffer)[]): Promise<unknown> {
    const given = args.map((arg) => (typeof arg === "object" ? Uint8Array.from(arg) : bytesOf(String(arg))));
    const reply = this.ask("scripts", () => decoded(this.engine.run(script, given)));
    reply.then(
      () => {
        this.replies++;
      },
      (error: Error) => this.fail(error),
    );
    return reply;
  }

  async subscribe(_bucket: number, channel: string): Promise<void> {
    await this.hearing(() => this.channels.add(TAG + channel));
  }

  unsubscribe(_bucket: number, channel: string): void {
    if (this.state === "open") void this.hearing(() => this.channels.delete(TAG + channel)).catch(() => {});
  }

  async ping(): Promise<void> {
    await this.hearing(() => "PONG");
  }

  fail(error: Error): void {
    if (this.state === "closed") return;
    this.close();
    this.handlers.lost(error);
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    for (const socket of ["scripts", "channels"] as const) {
      this.answered[socket].close();
      // What was sent arrives, also that this was the end.
      this.asked[socket].push("bye");
    }
    const waiting = [...this.waiting];
    this.waiting.clear();
    const closed = new Error("Connection is closed.");
    const rejectAll = (): void => {
      for (const { reject } of waiting) reject(closed);
    };
    this.engine.scheduler.after(0, rejectAll, this.process);
  }

  /** Called by the engine: whether this connection hears the channel. */
  hear(channel: string, body: string): boolean {
    if (!this.channels.has(channel)) return false;
    const name = channel.slice(TAG.length);
    this.answered.channels.push(() => this.handlers.message(name, Buffer.from(body, "latin1")));
    return true;
  }

  hold(): void {
    for (const pipe of this.pipes()) pipe.hold();
  }

  release(): void {
    for (const pipe of this.pipes()) pipe.release();
  }

  cut(): void {
    this.engine.connections.delete(this);
    for (const pipe of this.pipes()) pipe.close();
    this.engine.scheduler.after(
      0,
      () => this.fail(new Error("the engine closed the connection")),
      this.process,
    );
  }

  private *pipes(): Generator<Pipe<Call | "bye"> | Pipe<() => void>> {
    for (const socket of ["scripts", "channels"] as const) yield* [this.asked[socket], this.answered[socket]];
  }

  private hearing(run: () => unknown): Promise<unknown> {
    const done = this.ask("channels", run);
    done.catch((error: Error) => this.fail(error));
    return done;
  }

  private ask(socket: "scripts" | "channels", run: () => unknown): Promise<unknown> {
    if (this.state === "closed") return Promise.reject(new Error("Connection is closed."));
    return new Promise((resolve, reject) => {
      const call = { run, resolve, reject };
      this.waiting.add(call);
      this.asked[socket].push(call);
    });
  }

  private serve(socket: "scripts" | "channels", call: Call | "bye"): void {
    if (call === "bye") {
      if (socket === "channels") this.channels.clear();
      if (this.asked.scripts.length + this.asked.channels.length === 0) this.engine.connections.delete(this);
      return;
    }
    const answer = call.run();
    this.answered[socket].push(() => {
      if (this.waiting.delete(call)) call.resolve(answer);
    });
  }
}

/** As a client of Redis hands replies on: text. */
function decoded(answer: Answer): unknown {
  if (Array.isArray(answer)) return answer.map(decoded);
  return typeof answer === "string" ? Buffer.from(answer, "latin1").toString("utf8") : answer;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}
