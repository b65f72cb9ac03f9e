/** Runs a callback behind the tick. Browsers have no immediates: there a page sends a message to itself. */
export const soon: (callback: () => void) => void =
  typeof setImmediate === "function" ? setImmediate : byMessage;

function byMessage(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.addEventListener("message", () => {
    port1.close();
    callback();
  });
  port1.start();
  port2.postMessage(0);
}
