/** One thing that the server is held to: what it does, and for how long. */
export interface Scenario {
  readonly name: string;
  /** What is done, in one line. */
  readonly title: string;
  /** Rows of the table of docs/reliability.md that it shows. */
  readonly promises: readonly number[];
  /** What is counted: `inputs`, `connects`. */
  readonly unit: string;
  /** How many of them before a release. */
  readonly amount: number;
  /** How many are done at a time; between two times the clock is looked at. */
  readonly step: number;
  /** How many the tests do. */
  readonly short: number;
  /** Begins it. `done` of them were done by a run that this one goes on with. */
  start(options: { readonly seed: number; readonly done: number }): Promise<Running>;
}

/** A scenario that has begun. */
export interface Running {
  /** Does the `count` that come after the first `done` ones. */
  step(done: number, count: number): Promise<void>;
  /** Ends it, and tells what was found. */
  finish(): Promise<readonly Figure[]>;
  /** Ends it after an error, telling nothing. */
  abort(): Promise<unknown>;
}

/** Something measured, and what it may be at most. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** At most, where the promise has a number for it. */
  readonly most?: number;
  /** At least. */
  readonly least?: number;
  /** What was found, where it is too much: enough to find it again. */
  readonly details?: readonly string[];
}

export function isMet({ value, most = Infinity, least = -Infinity }: Figure): boolean {
  return value <= most && value >= least;
}
