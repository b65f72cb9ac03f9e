import type { Hub } from "@wireyard/session";

const CHECK_MS = 1_000;
/** An answer is good for so long: anybody may ask, and asking must not load the account store. */
const FRESH_MS = 1_000;

/** Whether the server can do its work: account store and back plane answer, and it is not ending. */
export class Readiness {
  private readonly hub: Hub;
  private readonly report: (error: unknown) => void;
  private draining = false;
  private answer: { at: number; ready: Promise<boolean> } | undefined;

  /** @param report told why it is not ready: who asks is only told that */
  constructor(hub: Hub, report: (error: unknown) => void) {
    this.hub = hub;
    this.report = report;
  }

  /** The server closes its sessions, and then itself. */
  drain(): void {
    this.draining = true;
  }

  get state(): "serving" | "draining" {
    return this.draining ? "draining" : "serving";
  }

  async check(): Promise<"ready" | "draining" | "unavailable"> {
    if (this.draining) return "draining";
    const now = performance.now();
    if (this.answer === undefined || now - this.answer.at >= FRESH_MS)
      this.answer = { at: now, ready: this.ask() };
    return (await this.answer.ready) ? "ready" : "unavailable";
  }

  private async ask(): Promise<boolean> {
    try {
      await within(CHECK_MS, this.hub.check());
      return true;
    } catch (error) {
      this.report(error);
      return false;
    }
  }
}

/** @throws {Error} where a promise is not settled in time */
export function within<T>(ms: number, promise: T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
