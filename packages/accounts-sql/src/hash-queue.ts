import { RefusedError, UsageError } from "@wireyard/session";

export interface HashOptions {
  /** Passwords hashed at the same time, each with 19 MiB and a thread of Node's pool (it has 4). Default 2. */
  hashesAtOnce?: number;
  /** Passwords that may wait for their turn; beyond, `RefusedError` `timeout`. Default 64. */
  hashesWaiting?: number;
}

/**
 * Runs jobs a few at a time, in the order they came, and refuses what would wait too long: a hash takes a thread and
 * 19 MiB for some 30 ms, and a flood of logins must not have all of them.
 */
export class HashQueue {
  readonly #atOnce: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor({ hashesAtOnce = 2, hashesWaiting = 64 }: HashOptions = {}) {
    if (!(hashesAtOnce >= 1)) throw new UsageError(`hashesAtOnce is at least 1, not ${hashesAtOnce}`);
    if (!(hashesWaiting >= 0)) throw new UsageError(`hashesWaiting is at least 0, not ${hashesWaiting}`);
    this.#atOnce = hashesAtOnce;
    this.#maxWaiting = hashesWaiting;
  }

  /**
   * What `job` gives, once it had its turn.
   *
   * @throws {RefusedError} `timeout`, at once and without running it, where too many wait
   */
  async run<T>(job: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++;
    else await this.#turn();
    try {
      return await job();
    } finally {
      // The place is handed on rather than freed, so that nobody who comes now goes first.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new RefusedError("timeout", "too many passwords are being checked, try again later");
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
