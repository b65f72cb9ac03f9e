import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TAG, type Trace } from "../../../test/simulation/engine.ts";
import type { Answer } from "../../../test/simulation/redis-model.ts";
import { simulate } from "../../../test/simulation/run.ts";
import { scriptsFor } from "../src/scripts.ts";
import { Engine, NO_ENGINE, PROGRAMS } from "./engine.ts";

/**
 * Time is the simulation's own: epochs hold none, and a lease ends when the trace says so. In place of it the scripts are
 * those of the back plane.
 */
function withoutTime(scripts: Record<string, string>): Record<string, string> {
  const timeless = (script: string): string =>
    script.replaceAll("call('TIME')[1]", "'0'").replaceAll(", 'PX', lease)", ")");
  return Object.fromEntries(Object.entries(scripts).map(([name, script]) => [name, timeless(script)]));
}

/** The model keeps leases by its clock, so there they need their time. */
function withLeases(scripts: Record<string, string>): Record<string, string> {
  const entries = Object.entries(scripts);
  return Object.fromEntries(
    entries.map(([name, script]) => [name, script.replaceAll("call('TIME')[1]", "'0'")]),
  );
}

describe.skipIf(NO_ENGINE).each(PROGRAMS)("the same scenarios on %s", (program) => {
  let engine: Engine;
  let commands: Redis;
  let subscriber: Redis;
  let published: string[] = [];

  beforeAll(async () => {
    engine = await Engine.start(program);
    commands = new Redis(engine.url);
    subscriber = new Redis(engine.url);
    subscriber.on("pmessageBuffer", (_: unknown, channel: Buffer, body: Buffer) => {
      published.push(`${channel} ${body.toString("latin1")}`);
    });
    await subscriber.psubscribe(`${TAG}*`);
  });

  afterAll(async () => {
    commands.disconnect();
    subscriber.disconnect();
    await engine.stop();
  });

  test.each([11, 12, 13])(
    "every script answers and publishes what it did in the model, seed %i",
    async (seed) => {
      const trace: Trace[] = [];
      const run = await simulate({
        seed,
        steps: 15_000,
        sabotage: { scripts: withLeases },
        trace: (what) => trace.push(what),
      });
      expect(run.violation).toBeUndefined();
      published = [];
      await commands.flushall();
      const scripts = withoutTime(scriptsFor("PUBLISH"));
      const wrong: string[] = [];
      let runs = 0;
      // A key that ran out is told of when a script looks for it, and that script behind it.
      for (const what of trace) {
        if (what.type === "killed") await commands.flushall();
        else if (what.type === "expired") await commands.del(what.key);
        else if (what.type === "run") {
          runs++;
          const script = scripts[what.script] as string;
          const args = what.args.map((arg) => Buffer.from(arg));
          const answer = await commands.callBuffer("EVAL", script, 1, TAG, ...args);
          const [real, model] = [JSON.stringify(latin1(answer)), JSON.stringify(what.answer)];
          if (real !== model && wrong.length < 5)
            wrong.push(`${runs}: ${what.script}: ${real}, in the model ${model}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(runs).toBeGreaterThan(500);
      await subscriber.ping();
      const expected = trace.flatMap((what) =>
        what.type === "published" ? [`${what.channel} ${what.body}`] : [],
      );
      expect(published).toEqual(expected);
    },
    60_000,
  );
});

function latin1(answer: unknown): Answer {
  if (Array.isArray(answer)) return answer.map(latin1);
  return answer instanceof Uint8Array ? Buffer.from(answer).toString("latin1") : (answer as number | null);
}
