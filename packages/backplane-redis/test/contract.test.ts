import { backplaneCases } from "@wireyard/session/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type EngineAddress, redisBackplane } from "../src/index.ts";
import { Engine, NO_ENGINE, PROGRAMS, startCluster } from "./engine.ts";

let made = 0;
/** Back planes of one engine that see nothing of each other. */
const fresh = () => ({ prefix: `test${++made}`, leaseMs: 1_000 });

describe.skipIf(NO_ENGINE).each(PROGRAMS)("the back plane on %s", (program) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.start(program);
  });
  afterAll(() => engine.stop());

  const cases = backplaneCases(async () => ({
    backplane: redisBackplane({ url: engine.url, ...fresh() }),
    close: async () => {},
  }));
  test.each(cases)("$name", ({ run }) => run());
});

describe.skipIf(NO_ENGINE).each(PROGRAMS)("the back plane on a cluster of three %s", (program) => {
  let cluster: Awaited<ReturnType<typeof startCluster>>;
  beforeAll(async () => {
    cluster = await startCluster(program);
  });
  afterAll(() => cluster.stop());

  const cases = backplaneCases(async () => {
    const addresses: EngineAddress[] = cluster.engines.map(({ port }) => ({ host: "127.0.0.1", port }));
    return { backplane: redisBackplane({ cluster: addresses, ...fresh() }), close: async () => {} };
  });
  test.each(cases)("$name", ({ run }) => run());
});
