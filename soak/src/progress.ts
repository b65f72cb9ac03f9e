import type { Result } from "./run.ts";
import { isMet, type Scenario } from "./scenario.ts";

const WIDTH = 30;
/** Elsewhere than on a terminal, a line so often. */
const LINE_EVERY_MS = 60_000;

/** How far a scenario is: a bar on a terminal, now and then a line elsewhere. */
export class Progress {
  private readonly scenario: Scenario;
  private readonly place: string;
  private toldAt = performance.now();

  /** @param place which of how many */
  constructor(scenario: Scenario, place: string) {
    this.scenario = scenario;
    this.place = place;
    if (!process.stderr.isTTY) console.error(`${place} ${scenario.name}: ${scenario.title}`);
  }

  show(done: number, part: number): void {
    const { name, unit } = this.scenario;
    const full = Math.round(Math.min(1, part) * WIDTH);
    const text = `${this.place} ${name} ${done} ${unit}`;
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[K[${"#".repeat(full)}${".".repeat(WIDTH - full)}] ${text}`);
    } else if (performance.now() - this.toldAt > LINE_EVERY_MS) {
      this.toldAt = performance.now();
      console.error(text);
    }
  }

  end(result: Result): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
    const { done, seconds, figures, findings } = result;
    const verdict = findings === 0 ? "as promised" : `${findings} NOT as promised`;
    console.error(
      `${this.place} ${result.name}: ${done} ${this.scenario.unit} in ${seconds.toFixed(0)} s, ${verdict}`,
    );
    for (const figure of figures) {
      if (isMet(figure)) continue;
      console.error(`  ${figure.name}: ${figure.value} ${figure.unit}`);
      for (const line of (figure.details ?? []).slice(0, 20)) console.error(`    ${line}`);
    }
  }
}
