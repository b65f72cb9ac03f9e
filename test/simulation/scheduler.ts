/** What runs together, stops together and dies together: a node. */
export class Process {
  readonly name: string;
  state: "running" | "frozen" | "dead" = "running";
  /** What became due while it was frozen, in order. */
  readonly held: Task[] = [];

  constructor(name: string) {
    this.name = name;
  }
}

export interface Task {
  readonly at: number;
  readonly number: number;
  readonly run: () => void;
  /** `null`: nobody's, such as what happens on a wire. */
  readonly process: Process | null;
  cancelled: boolean;
}

// The loop's own, whatever stands in its place while a simulation runs.
const { setImmediate: realImmediate } = globalThis;

/**
 * Virtual time. Tasks run one after the other in the order of their times, and each together with all promises that it
 * settles: so what is run, and in which order, depends on nothing but the tasks themselves.
 */
export class Scheduler {
  /** Milliseconds. */
  now = 0;
  steps = 0;
  /** Whose code is running. */
  current: Process | null = null;
  private readonly tasks: Task[] = [];
  private made = 0;

  /** Runs something `ms` from now, in a process: by default the one that asks. */
  after(ms: number, run: () => void, process: Process | null = this.current): Task {
    const task = { at: this.now + Math.max(0, ms), number: this.made++, run, process, cancelled: false };
    this.push(task);
    return task;
  }

  /** Runs the next task. */
  async step(): Promise<void> {
    const task = this.take();
    this.now = Math.max(this.now, task.at);
    this.current = task.process;
    task.run();
    // Everything that follows from it in promises happens before an immediate does.
    await new Promise<void>((resolve) => realImmediate(resolve));
    this.current = null;
    this.steps++;
  }

  thaw(process: Process): void {
    process.state = "running";
    for (const { run } of process.held.splice(0).filter(({ cancelled }) => !cancelled)) {
      this.after(0, run, process);
    }
  }

  private take(): Task {
    for (;;) {
      const task = this.pop();
      if (task.cancelled || task.process?.state === "dead") continue;
      if (task.process?.state !== "frozen") return task;
      task.process.held.push(task);
    }
  }

  private push(task: Task): void {
    const { tasks } = this;
    let at = tasks.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(tasks[parent] as Task, task)) break;
      tasks[at] = tasks[parent] as Task;
      at = parent;
    }
    tasks[at] = task;
  }

  private pop(): Task {
    const { tasks } = this;
    const [first] = tasks;
    const last = tasks.pop();
    if (first === undefined || last === undefined) throw new Error("nothing is left to happen");
    if (tasks.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= tasks.length) break;
      if (child + 1 < tasks.length && isBefore(tasks[child + 1] as Task, tasks[child] as Task)) child++;
      if (isBefore(last, tasks[child] as Task)) break;
      tasks[at] = tasks[child] as Task;
      at = child;
    }
    tasks[at] = last;
    return first;
  }
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.number < b.number);
}
