import { fromHex, toHex } from "@wireyard/framing/testing";
import { type Backplane, createHub, type Hub, type Limits, memoryAccounts } from "@wireyard/session";
import { type Link, listenTcp, memoryLinks } from "@wireyard/transport";
import { type VarintState, type VarintStateOptions, varintState } from "../src/server.ts";

/** A server on a hub of its own, whose clock is moved by hand. */
export interface Harness {
  readonly hub: Hub;
  readonly service: VarintState;
  /** What the hub was told went wrong. */
  readonly problems: unknown[];
  /** Lets this much time pass, with every tick in between, and what it causes happen. */
  pass(ms: number): Promise<void>;
  connect(cut?: (bytes: Uint8Array) => Iterable<Uint8Array>): RawClient;
}

export function makeServer(
  options: VarintStateOptions = {},
  limits: Partial<Limits> = {},
  backplane?: Backplane,
): Harness {
  let now = 0;
  const problems: unknown[] = [];
  const hub = createHub({
    accounts: memoryAccounts(),
    limits,
    ...(backplane !== undefined && { backplane }),
    clock: () => now,
    report: (problem, error) => problems.push(problem, error),
  });
  const service = varintState(hub, options);
  return {
    hub,
    service,
    problems,
    async pass(ms) {
      for (let rest = ms; rest > 0; rest -= 50) {
        now += Math.min(50, rest);
        service.tick();
      }
      await quiet();
    },
    connect(cut) {
      const [here, there] = memoryLinks(cut === undefined ? {} : { cut });
      service.accept(there);
      return new RawClient(here);
    },
  };
}

/** Runs `use` with a server on a free port. */
export async function serving(
  use: (port: number, service: VarintState) => Promise<void>,
  options: VarintStateOptions = {},
  limits: Partial<Limits> = {},
): Promise<void> {
  const service = varintState(createHub({ accounts: memoryAccounts(), limits }), options);
  const listener = await listenTcp(service, { port: 0 });
  try {
    await use(listener.port, service);
  } finally {
    listener.close();
  }
}

/** Waits until in-memory links have carried what was written, the answers to it, and their ends. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A client that knows only bytes. */
export class RawClient {
  closed = false;
  private received = "";
  private readonly link: Link;

  constructor(link: Link) {
    this.link = link;
    link.open({
      data: (chunk) => {
        this.received += toHex(chunk);
      },
      ended: () => {
        this.closed = true;
      },
      drained() {},
      closed: () => {
        this.closed = true;
      },
    });
  }

  /** Sends bytes, and gives in hex what has come since the last time. */
  async send(hex: string): Promise<string> {
    this.link.write(fromHex(hex));
    return this.take();
  }

  /** What has come since the last time, in hex. */
  async take(): Promise<string> {
    await quiet();
    const { received } = this;
    this.received = "";
    return received;
  }

  close(): void {
    this.link.end();
  }
}

/** Hex without its spaces. */
export function hex(...parts: string[]): string {
  return parts.join("").replaceAll(" ", "");
}

/** A Ping or Pong with this payload. */
export function echo(payload: bigint): string {
  return `0901${BigInt.asUintN(64, payload).toString(16).padStart(16, "0")}`;
}
