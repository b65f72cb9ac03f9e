import type { LoadResult } from "../src/load.ts";
import type { Results } from "../src/run.ts";

/** A load result with one figure that matters, of a CPU-second of the server. */
export function result(per_cpu_second: number, engine_cpu = 0): LoadResult {
  return {
    per_cpu_second,
    per_cpu_second_with_engine: per_cpu_second / (1 + engine_cpu),
    work_per_second: 0,
    server_cpu: 1,
    engine_cpu,
    p50_us: 100,
    p95_us: 200,
    p99_us: 300,
    bytes_per_connection: 2000,
    missing: 0,
    bad: 0,
    closed: 0,
  };
}

/** Results as if they had been measured, of two rounds. */
export function someResults(): Results {
  const rounds = (...figures: (number | null)[]) => ({
    rounds: figures.map((figure) => (figure === null ? null : result(figure))),
    problems: figures.includes(null) ? ["0 missing, 4 bad, 0 closed."] : [],
  });
  const growth = (step: number, ours: number) => ({
    id: `growth-members-${step}`,
    title: `1 × ${step}`,
    peers: { wireyard: rounds(ours, ours), limit: rounds(1_000_000, 1_000_000) },
  });
  return {
    date: "2026-01-01T00:00:00.000Z",
    command: "pnpm bench",
    commit: "",
    machine: { processor: "a <fast> one", cores: 2, memoryGiB: 8, kernel: "Linux", isPinned: true },
    timing: { rounds: 2, seconds: 1, firstWarm: 1, warm: 1, quiet: 1 },
    versions: {},
    leftOut: {},
    scenarios: [
      {
        id: "relay-1x10",
        title: "1 × 10, W 16",
        peers: {
          wireyard: rounds(900_000, 1_000_000),
          limit: rounds(1_000_000, 1_000_000),
          redis: rounds(500_000, null),
          aedes: rounds(null, null),
        },
      },
      {
        id: "websocket-1x10",
        title: "1 × 10, W 16",
        peers: {
          wireyard: { rounds: [null, null], problems: [], isNotServed: true },
          ws: rounds(100_000, 100_000),
        },
      },
      {
        id: "rate-2000",
        title: "1 × 10, 2000 messages/s",
        peers: { wireyard: rounds(1, 1), redis: rounds(1, 1) },
      },
      growth(2, 900_000),
      growth(10, 1_000_000),
      growth(100, 600_000),
    ],
  };
}
