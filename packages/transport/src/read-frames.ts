import type { FrameDecoder } from "@wireyard/framing";
import type { Lifeline } from "./lifeline.ts";
import type { Link } from "./link.ts";
import { HIGH_WATER_BYTES } from "./pump.ts";

/**
 * A client's loop between a link and what it does with each frame: `pump`, without what only servers need. Reading
 * stops while a promise that `receive` returned is not settled, and while the server does not read. It begins again
 * when no whole frame is left: what comes meanwhile is held by the link, which has a limit, not by the decoder.
 */
export function readFrames(
  link: Link,
  line: Pick<Lifeline<never>, "closed" | "fail">,
  frames: FrameDecoder,
  receive: (frame: Uint8Array) => void | Promise<void>,
): void {
  let state: "ready" | "running" | "done" = "ready";
  /** Whether the link waits until there is no whole frame left. */
  let paused = false;
  let inputEnded = false;
  let drained = (): void => {};
  const wait = async (promise: Promise<void>): Promise<void> => {
    frames.keep();
    paused = true;
    link.pause();
    await promise;
  };
  const run = async (): Promise<void> => {
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
        if (waiting) await wait(waiting);
      }
      if (state === "done") return;
      state = "ready";
      if (inputEnded) link.end();
      if (paused) {
        paused = false;
        link.resume();
      }
    } catch (error) {
      // Of a link that is gone, which was told.
      if (state === "done") return;
      state = "done";
      line.fail(error);
    }
  };
  link.open({
    data(chunk) {
      if (state === "done") return;
      frames.feed(chunk);
      if (state === "ready") {
        state = "running";
        run();
      } else frames.keep();
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
