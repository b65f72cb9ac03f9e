import { decodeText, LengthNulDecoder } from "@wireyard/framing";
import { createHub, type Hub, type HubOptions, memoryAccounts } from "@wireyard/session";
import { type Link, memoryLinks, type StreamService } from "@wireyard/transport";
import { encodeFields } from "../src/index.ts";
import { type CommaCommand, type CommaCommandOptions, type Command, commaCommand } from "../src/server.ts";

export interface Bench {
  hub: Hub;
  service: CommaCommand;
  connect(): RawClient;
  /** Lets this many milliseconds pass. */
  pass(ms: number): void;
  /** What the hub was told of. */
  reports: { problem: string; error: unknown }[];
}

/** A service on a hub of its own, whose clock stands still but for `pass`. */
export function bench(options: CommaCommandOptions = {}, hubOptions: Partial<HubOptions> = {}): Bench {
  let now = 1_000;
  const reports: Bench["reports"] = [];
  const hub = createHub({
    accounts: memoryAccounts({ iterations: 1 }),
    clock: () => now,
    report: (problem, error) => reports.push({ problem, error }),
    ...hubOptions,
  });
  const service = commaCommand(hub, options);
  return {
    hub,
    service,
    reports,
    connect: () => rawClient(service),
    pass(ms) {
      now += ms;
      service.tick();
    },
  };
}

/** One call of a slow command. */
export interface Call {
  resolve(values?: string[]): void;
  reject(error: unknown): void;
}

/** A command that waits until the test settles it. */
export class SlowCommand implements Command {
  readonly name = "slow";
  private readonly calls: Call[] = [];
  private wake: () => void = () => {};

  check(): boolean {
    return true;
  }

  handler(): Promise<string[] | undefined> {
    return new Promise((resolve, reject) => {
      this.calls.push({ resolve, reject });
      this.wake();
    });
  }

  /** Waits until it was called for the `count`-th time; gives that call. */
  async call(count: number): Promise<Call> {
    while (this.calls.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.calls[count - 1] as Call;
  }
}

/** A frame of `data` as they are: not escaped, and wrong where a test wants it wrong. */
export function frame(data: string | Uint8Array): Uint8Array {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const header = [bytes.length >>> 24, bytes.length >>> 16, bytes.length >>> 8, bytes.length, 0];
  return Uint8Array.of(...header.map((byte) => byte & 0xff), ...bytes);
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A client that speaks frames and believes nothing: what a test of the server talks through. */
export class RawClient {
  /** Resolves when the server has closed the connection, with the link's reason. */
  readonly closed: Promise<string>;
  /** Everything that came in. */
  bytes: Uint8Array = new Uint8Array(0);
  private readonly link: Link;
  private readonly decoder = new LengthNulDecoder({ maxFrameBytes: 16_777_216 });
  private readonly frames: string[] = [];
  private wake: () => void = () => {};

  constructor(link: Link) {
    this.link = link;
    this.closed = new Promise((resolve) => {
      link.open({
        data: (chunk) => this.data(chunk),
        ended: () => link.end(),
        drained() {},
        closed: (reason) => {
          resolve(reason);
          this.wake();
        },
      });
    });
  }

  /** Writes bytes as they are. */
  write(...parts: readonly Uint8Array[]): void {
    this.link.write(concat(...parts));
  }

  /** Says frames of these data, in one piece. */
  say(...data: readonly string[]): void {
    this.write(...data.map(frame));
  }

  /** Waits for the data of the next `count` frames. */
  async next(count: number): Promise<string[]> {
    while (this.frames.length < count) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return this.frames.splice(0, count);
  }

  /** Says one frame and waits for the next that comes. */
  async ask(data: string): Promise<string> {
    this.say(data);
    const [answer] = await this.next(1);
    return answer as string;
  }

  /** Registers a user and logs in. */
  async enter(user: string, password = "secret"): Promise<void> {
    this.write(encodeFields(["register", user, password]), encodeFields(["login", user, password]));
    const answers = await this.next(2);
    if (answers.join(" ") !== "ok ok") throw new Error(`could not log in: ${answers.join(" ")}`);
  }

  end(): void {
    this.link.end();
  }

  private data(chunk: Uint8Array): void {
    this.bytes = concat(this.bytes, chunk);
    this.decoder.feed(chunk);
    for (let data = this.decoder.next(); data !== undefined; data = this.decoder.next()) {
      this.frames.push(decodeText(data) as string);
    }
    this.wake();
  }
}

/** Connects a raw client to a service, in memory. */
function rawClient(service: StreamService): RawClient {
  const [near, far] = memoryLinks();
  service.accept(far);
  return new RawClient(near);
}
