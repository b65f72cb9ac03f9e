import type { Programs } from "../build.ts";
import { onNode, redis } from "../peers/index.ts";
import type { Peer } from "../peers/peer.ts";
import { wireyard } from "../peers/wireyard.ts";
import type { Running } from "../processes.ts";
import type { NodesName } from "../scenarios.ts";

/** A node of a server, made for the engine that it shares with the others. */
type NodeOf = (engineUrl: string, number: number) => Peer;

/** All that are compared. Each has an engine of its own, so that one's messages are no work for another's. */
export function nodesPeers({ isBuilt }: { isBuilt: boolean }): Peer[] {
  const ours: NodeOf = (url, number) => wireyard(isBuilt, { backplane: url, "node.id": `node-${number}` });
  const socketIo =
    (adapter: string): NodeOf =>
    (url) =>
      onNode("socket.io", "socket-io.ts", { args: [adapter, url] });
  return [
    several("wireyard-1", 1, ours),
    several("wireyard-2", 2, ours),
    several("wireyard-4", 4, ours),
    { ...onNode("socket.io", "socket-io.ts"), name: "socket.io-1" satisfies NodesName },
    several("socket.io-2", 2, socketIo("redis-adapter"), "@socket.io/redis-adapter"),
    several("socket.io-2-streams", 2, socketIo("redis-streams-adapter"), "@socket.io/redis-streams-adapter"),
  ];
}

function several(name: NodesName, count: number, nodeOf: NodeOf, adapter?: string): Peer {
  const any = nodeOf("", 1);
  const parts = [any, redis, ...(adapter === undefined ? [] : [onNode(adapter, "")])];
  return {
    name,
    missing: () => parts.map((part) => part.missing()).find((reason) => reason !== undefined),
    version: () => parts.map((part) => `${part.name} ${part.version()}`).join("; "),
    async start(programs): Promise<Running> {
      const engine = await redis.start(programs);
      const nodes: Running[] = [];
      const stop = async (): Promise<void> => {
        await Promise.all(nodes.map((node) => node.stop()));
        await engine.stop();
      };
      const url = `redis://127.0.0.1:${engine.ports.main}`;
      try {
        for (let number = 1; number <= count; number++) nodes.push(await nodeOf(url, number).start(programs));
      } catch (error) {
        await stop();
        throw error;
      }
      const [first, ...others] = nodes as [Running, ...Running[]];
      return { ...first, others, engine, stop };
    },
  };
}

/**
 * The same peers, already started, for all scenarios: a dozen of processes take longer to start than to measure. One
 * after the other, because they share a core.
 */
export async function started(
  peers: readonly Peer[],
  programs: Programs,
): Promise<{ peers: Peer[]; stop(): Promise<void> }> {
  const running: Running[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((one) => one.stop()));
  };
  const kept: Peer[] = [];
  try {
    for (const peer of peers) {
      if (peer.missing() === undefined) {
        const one = await peer.start(programs);
        running.push(one);
        kept.push({ ...peer, start: async () => ({ ...one, stop: async () => {} }) });
      } else {
        kept.push(peer);
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { peers: kept, stop };
}
