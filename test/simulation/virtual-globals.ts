import type { Random } from "./random.ts";
import type { Scheduler, Task } from "./scheduler.ts";

/** A timer as Node gives it, on virtual time. */
class VirtualTimer {
  readonly cancel: () => void;

  constructor(cancel: () => void) {
    this.cancel = cancel;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

/**
 * Puts virtual time and the seed in the place of the process's timers, clocks and random numbers, for the code under
 * test has no other source of them.
 *
 * @returns puts them back
 */
export function virtualGlobals(scheduler: Scheduler, random: Random): () => void {
  const timeout = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): VirtualTimer => {
    const task = scheduler.after(Math.max(1, ms), () => run(...args));
    return new VirtualTimer(() => {
      task.cancelled = true;
    });
  };
  const interval = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): VirtualTimer => {
    let task: Task;
    const again = (): void => {
      task = scheduler.after(Math.max(1, ms), () => {
        again();
        run(...args);
      });
    };
    again();
    return new VirtualTimer(() => {
      task.cancelled = true;
    });
  };
  const immediate = (run: (...args: unknown[]) => void, ...args: unknown[]): VirtualTimer => {
    const task = scheduler.after(0, () => run(...args));
    return new VirtualTimer(() => {
      task.cancelled = true;
    });
  };
  const clear = (timer?: VirtualTimer): void => timer?.cancel();
  const undo = [
    replace(globalThis, "setTimeout", timeout),
    replace(globalThis, "setInterval", interval),
    replace(globalThis, "setImmediate", immediate),
    replace(globalThis, "clearTimeout", clear),
    replace(globalThis, "clearInterval", clear),
    replace(globalThis, "clearImmediate", clear),
    replace(Date, "now", () => Math.floor(scheduler.now)),
    replace(performance, "now", () => scheduler.now),
    replace(Math, "random", () => random.next() / 0x1_0000_0000),
    replace(crypto, "getRandomValues", (array: Uint32Array) => fill(array, random)),
    replace(
      crypto,
      "randomUUID",
      () => `00000000-0000-4000-8000-${random.next().toString(16).padStart(12, "0")}`,
    ),
  ];
  return () => {
    for (const put of undo) put();
  };
}

function fill(array: Uint32Array, random: Random): Uint32Array {
  for (let i = 0; i < array.length; i++) array[i] = random.next();
  return array;
}

function replace(owner: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, own);
  };
}
