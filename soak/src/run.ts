import { type Figure, isMet, type Scenario } from "./scenario.ts";

/** What a scenario did and found. */
export interface Result {
  readonly name: string;
  readonly done: number;
  readonly seconds: number;
  readonly figures: readonly Figure[];
  /** Figures that are not what was promised. */
  readonly findings: number;
}

export interface RunOptions {
  readonly seed: number;
  readonly amount: number;
  /** Done by the run that this one goes on with. */
  readonly done: number;
  /** How long it may take. */
  readonly forMs: number;
  /** How far it is: how many are done, and what part of it that is. */
  tell(done: number, part: number): void;
}

/** Runs a scenario until it has done its amount or its time is over; at least one step. An error ends it, and is found. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Result> {
  const { seed, amount, forMs, tell } = options;
  const from = performance.now();
  const running = await scenario.start({ seed, done: options.done });
  let { done } = options;
  try {
    do {
      const count = Math.min(scenario.step, amount - done);
      await running.step(done, count);
      done += count;
      tell(done, Math.max(done / amount, (performance.now() - from) / forMs));
    } while (done < amount && performance.now() - from < forMs);
  } catch (error) {
    await running.abort();
    const details = String(error instanceof Error ? error.stack : error).split("\n");
    const figures = [{ name: "errors that ended it", value: 1, unit: "", most: 0, details }];
    return { name: scenario.name, done, seconds: (performance.now() - from) / 1_000, figures, findings: 1 };
  }
  const figures = await running.finish();
  const seconds = (performance.now() - from) / 1_000;
  const findings = figures.filter((figure) => !isMet(figure)).length;
  return { name: scenario.name, done, seconds, figures, findings };
}
