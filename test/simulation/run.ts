import { Connection } from "../../packages/backplane-redis/src/connection.ts";
import { Actions } from "./actions.ts";
import type { Violation } from "./checker.ts";
import type { Trace } from "./engine.ts";
import { Invariants } from "./invariants.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import { virtualGlobals } from "./virtual-globals.ts";
import { type Sabotage, World } from "./world.ts";

export interface Run {
  readonly seed: number;
  readonly steps: number;
  /** Milliseconds of virtual time. */
  readonly ms: number;
  readonly messages: number;
  readonly clients: number;
  /** Times that everything was let come to rest, and compared. */
  readonly rests: number;
  readonly violation: Violation | undefined;
  /** What happened last. */
  readonly log: readonly string[];
}

const LOG_LINES = 50;
/** Between two actions, on average. */
const PAUSE_MS = 12;
/** Longer than anything that may be under way: after it, all must be at rest. */
const REST_MS = 12_000;
const ACTIONS_A_ROUND = { least: 50, most: 1_200 };

/** Runs a world for so many steps, or until something is wrong. The same seed and sabotage give the same run. */
export async function simulate(options: {
  seed: number;
  steps: number;
  sabotage?: Sabotage;
  logLines?: number;
  /** Told of all that happens in the engine. */
  trace?: (what: Trace) => void;
}): Promise<Run> {
  const { seed, steps, sabotage = {}, logLines = LOG_LINES } = options;
  const scheduler = new Scheduler();
  const random = new Random(seed);
  const world = new World(scheduler, random, { sabotage, logLines });
  if (options.trace !== undefined) world.engine.trace = options.trace;
  const invariants = new Invariants(world);
  const actions = new Actions(world, scheduler, random);
  const restore = enter(world, scheduler, new Random(~seed));
  let rests = 0;

  const isOver = (): boolean => world.checker.violation !== undefined;
  const go = async (until: () => boolean): Promise<void> => {
    while (!until() && !isOver()) {
      await scheduler.step();
      invariants.check(scheduler.now);
    }
  };
  const rest = async (ms: number): Promise<void> => {
    const end = scheduler.now + ms;
    scheduler.after(ms, () => {}, null);
    await go(() => scheduler.now >= end);
  };
  const act = async (count: number): Promise<void> => {
    let left = count;
    const next = (): void => {
      if (left-- > 0) {
        actions.one();
        scheduler.after(random.below(2 * PAUSE_MS), next, null);
      }
    };
    scheduler.after(0, next, null);
    await go(() => left < 0);
  };

  try {
    for (let i = 0; i < 3; i++) world.addNode();
    while (scheduler.steps < steps && !isOver()) {
      await act(random.between(ACTIONS_A_ROUND.least, ACTIONS_A_ROUND.most));
      actions.calm();
      await rest(REST_MS);
      actions.everybodyJoins();
      await rest(1_000);
      if (!isOver()) invariants.checkAgreement();
      if (isOver()) break;
      world.checker.forgetOrder();
      actions.everybodySpeaks();
      await rest(1_000);
      if (!isOver()) world.checker.checkSpoken(world.clients);
      rests++;
    }
  } finally {
    restore();
  }
  const { checker } = world;
  return {
    seed,
    steps: scheduler.steps,
    ms: Math.round(scheduler.now),
    messages: checker.messagesHeard,
    clients: world.clientsMade,
    rests,
    violation: checker.violation,
    log: checker.log,
  };
}

/** Lets code run in virtual time, with the world's engine in the place of Redis. @returns ends it */
export function enter(world: World, scheduler: Scheduler, random: Random): () => void {
  const { open } = Connection;
  Connection.open = (_, handlers) => world.engine.connect(handlers) as unknown as Promise<Connection>;
  const restore = virtualGlobals(scheduler, random);
  return () => {
    restore();
    Connection.open = open;
  };
}
