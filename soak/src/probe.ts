/**
 * Preloaded into the server: at SIGUSR2 it tells, as a line of standard error, how much of the heap is in use after a
 * collection, and the longest that the event loop was late since the last time.
 */
import { writeSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const STDERR = 2;
const RESOLUTION_MS = 10;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

process.on("SIGUSR2", () => {
  const lagMs = Math.max(0, delay.max / 1e6 - RESOLUTION_MS);
  collect();
  collect();
  delay.reset();
  writeSync(STDERR, `probe ${JSON.stringify({ heapBytes: process.memoryUsage().heapUsed, lagMs })}\n`);
});
