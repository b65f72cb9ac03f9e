import type { FrameDecoder } from "@wireyard/framing";
import type { Lifeline } from "./lifeline.ts";
import type { Link } from "./link.ts";
import { HIGH_WATER_BYTES } from "./pump.ts";

/**
 * A client's loop between a link and what it does with each frame: `pump`, without what only servers need. Reading
 * stops while a promise that `receive` returned is not settled, and while the server does not read.
 */
export function readFrames(
  link: Link,
  line: Pick<Lifeline<never>, "closed" | "fail">,
  frames: FrameDecoder,
  receive: (frame: Uint8Array) => void | Promise<void>,
): void {
  let state: "ready" | "running" | "done" = "ready";
  let inputEnded = false;
  let drained = (): void => {};
  const wait = async (promise: Promise<void>): Promise<void> => {
    frames.keep();
    link.pause();
    await promise;
    link.resume();
  };
  const run = async (): Promise<void> => {
    state = "running";
    try {
      for (;;) {
        if (link.queuedBytes > HIGH_WATER_BYTES) {
          await wait(
            new Promise((resolve) => {
              drained = resolve;
            }),
          );
        }
        const frame = state === "running" && frames.next();
        if (!frame) break;
        const waiting = receive(frame);
        if (waiting !== undefined) await wait(waiting);
      }
      if (state === "running") state = "ready";
      if (inputEnded) link.end();
    } catch (error) {
      state = "done";
      line.fail(error);
    }
  };
  link.open({
    data(chunk) {
      if (state === "done") return;
      frames.feed(chunk);
      if (state === "ready") run();
      else frames.keep();
    },
    ended() {
      inputEnded = true;
      if (state === "ready") link.end();
    },
    drained: () => drained(),
    closed(reason) {
      state = "done";
      line.closed(link, reason);
    },
  });
}
