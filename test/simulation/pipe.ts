import type { Process, Scheduler, Task } from "./scheduler.ts";

export interface PipeOptions<Item> {
  scheduler: Scheduler;
  /** Milliseconds that the next item takes. */
  latency: () => number;
  /** Where items come out. */
  process: Process | null;
  deliver: (item: Item) => void;
}

/** One direction of a connection: what goes in comes out later, in the same order, or not at all. */
export class Pipe<Item> {
  private readonly options: PipeOptions<Item>;
  private readonly items: { item: Item; due: number; task: Task | undefined }[] = [];
  private last = 0;
  private state: "open" | "held" | "closed" = "open";

  constructor(options: PipeOptions<Item>) {
    this.options = options;
  }

  get length(): number {
    return this.items.length;
  }

  push(item: Item): void {
    if (this.state === "closed") return;
    this.last = Math.max(this.last, this.options.scheduler.now + this.options.latency());
    const entry = { item, due: this.last, task: undefined };
    this.items.push(entry);
    if (this.state === "open") this.file(entry);
  }

  /** Nothing comes out until `release`: the wire is silent, and nobody knows. */
  hold(): void {
    if (this.state !== "open") return;
    this.state = "held";
    for (const { task } of this.items) if (task !== undefined) task.cancelled = true;
  }

  release(): void {
    if (this.state !== "held") return;
    this.state = "open";
    for (const entry of this.items) this.file(entry);
  }

  /** What is on its way is lost. */
  close(): void {
    this.state = "closed";
    for (const { task } of this.items) if (task !== undefined) task.cancelled = true;
    this.items.length = 0;
  }

  private file(entry: { due: number; task: Task | undefined }): void {
    const { scheduler, process } = this.options;
    entry.task = scheduler.after(entry.due - scheduler.now, () => this.out(), process);
  }

  private out(): void {
    const entry = this.items.shift();
    if (entry !== undefined) this.options.deliver(entry.item);
  }
}
