import { parseLong } from "@wireyard/varint-state";
import { connectVarintState, type VarintClient } from "@wireyard/varint-state/client";
import type { ConsoleOptions, ConsoleSession } from "./console.ts";
import { statusText } from "./status.ts";
import type { Target } from "./target.ts";

const HELP = [
  "ping [payload]   measures a round trip; payload: a whole number from -2^63 to 2^63-1",
  "status           shows what the server tells about itself",
  "stop             gives up a ping or status that is not answered",
];

/** A console's session with a VarInt state server: the commands of the original client. */
export async function openVarintState(
  target: Target,
  { timeout }: ConsoleOptions,
  show: (line: string) => void,
): Promise<ConsoleSession> {
  const signal = AbortSignal.timeout(timeout);
  const client = await connectVarintState({ url: target.url, timeoutMs: timeout, signal });
  const stop = (): string[] => {
    client.stop();
    return ["stopped"];
  };
  return {
    help: HELP,
    closed: tellPings(client, show),
    close: () => client.close(),
    interrupt: (command) => {
      if (command === "stop") for (const line of stop()) show(line);
      return command === "stop";
    },
    async run(command, [word, ...more]) {
      if (more.length > 0) throw new Error(`${command} takes one word at the most`);
      if (command === "ping") return ping(client, word);
      if (command === "status") return status(client, target.name);
      return command === "stop" ? stop() : undefined;
    },
  };
}

/** Both commands ask for both, as the original did: only then is the connection in state 0 again. [VARINT-4.1] */
async function ping(client: VarintClient, word: string | undefined): Promise<string[]> {
  const payload = word === undefined ? BigInt(Date.now()) : parseLong(word);
  if (payload === undefined) {
    throw new Error(`${JSON.stringify(word)} is no payload; one is a whole number from -2^63 to 2^63-1`);
  }
  const [, latencyMs] = await Promise.all([client.status(), client.ping(payload)]);
  return [`pong ${payload} in ${latencyMs.toFixed(2)} ms`];
}

async function status(client: VarintClient, name: string): Promise<string[]> {
  const [told, latencyMs] = await Promise.all([client.status(), client.ping()]);
  return statusText(name, told, Math.round(latencyMs * 100) / 100)
    .trimEnd()
    .split("\n");
}

/** Shows the server's Pings; ends with the connection. */
async function tellPings(client: VarintClient, show: (line: string) => void): Promise<void> {
  for await (const event of client) {
    if (event.type === "ping") show(`the server pinged with ${event.payload}, and was answered`);
  }
}
