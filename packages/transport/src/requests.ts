/** A client's question that waits for its answer. */
interface Pending<Kind, Answer> {
  kind: Kind;
  resolve(answer: Answer): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

/** A client's questions in the order they were asked, which is the order of their answers. */
export class Requests<Kind, Answer> {
  readonly #pending: Pending<Kind, Answer>[] = [];
  readonly #timeoutMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Waits for the answer to a question of this kind. @throws {Error} after the time limit */
  ask(kind: Kind): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.splice(this.#pending.indexOf(pending), 1);
        reject(new Error(`no answer to ${kind} within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      const pending: Pending<Kind, Answer> = { kind, resolve, reject, timer };
      this.#pending.push(pending);
    });
  }

  /** Answers the oldest question that `matches`; tells whether there was one. */
  answer(matches: (kind: Kind) => boolean, answer: Answer): boolean {
    const pending = this.#take(matches);
    pending?.resolve(answer);
    return pending !== undefined;
  }

  /** Refuses the oldest question that `matches`; tells whether there was one. */
  refuse(matches: (kind: Kind) => boolean, error: Error): boolean {
    const pending = this.#take(matches);
    pending?.reject(error);
    return pending !== undefined;
  }

  /** Refuses all that wait: what they were asked over is gone. */
  refuseAll(error: Error): void {
    while (this.refuse(() => true, error));
  }

  #take(matches: (kind: Kind) => boolean): Pending<Kind, Answer> | undefined {
    const at = this.#pending.findIndex(({ kind }) => matches(kind));
    if (at < 0) return undefined;
    const [pending] = this.#pending.splice(at, 1) as [Pending<Kind, Answer>];
    clearTimeout(pending.timer);
    return pending;
  }
}
