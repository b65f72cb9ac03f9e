import { type Elsewhere, NAMES_TOLD, type NodeSummary, type SessionSummary } from "@wireyard/session";
import type { Connection } from "./connection.ts";
import type { OtherNode } from "./lease.ts";

/** Arguments of one call: it blocks the engine for others. */
const MOST_PER_CALL = 500;
const NOBODY: Elsewhere = { nodes: 0, sessions: 0, names: [] };

/**
 * Keeps the engine's list of this node's sessions up to date: what has changed is written with each renewal, which
 * tells how many the others have.
 */
export class SessionList {
  elsewhere: Elsewhere = NOBODY;
  private readonly nodeId: string;
  private readonly sessions: () => Iterable<SessionSummary>;
  private written = new Map<number, string>();

  constructor(nodeId: string, sessions: () => Iterable<SessionSummary>) {
    this.nodeId = nodeId;
    this.sessions = sessions;
  }

  /** The engine has none of them: the node has registered. */
  forget(): void {
    this.written = new Map();
  }

  heard(others: readonly OtherNode[]): void {
    this.elsewhere = {
      nodes: others.length,
      sessions: others.reduce((sum, { sessions }) => sum + sessions, 0),
      names: others.flatMap(({ names }) => JSON.parse(names) as string[]),
    };
  }

  /** The others cannot be reached. */
  lost(): void {
    this.elsewhere = NOBODY;
  }

  async write(connection: Connection, number: number, epochs: readonly string[]): Promise<void> {
    const bucket = number % connection.buckets;
    const now = new Map<number, string>();
    const changes: string[] = [];
    const names: string[] = [];
    for (const session of this.sessions()) {
      // What can change of it.
      const state = `${session.name}\0${session.user ?? ""}`;
      now.set(session.id, state);
      if (session.name !== "" && names.length < NAMES_TOLD) names.push(session.name);
      if (this.written.get(session.id) !== state) changes.push(String(session.id), JSON.stringify(session));
    }
    for (const id of this.written.keys()) if (!now.has(id)) changes.push(String(id), "");
    for (let i = 0; i < changes.length; i += MOST_PER_CALL) {
      const some = changes.slice(i, i + MOST_PER_CALL);
      const args = [number, epochs[bucket] as string, JSON.stringify(names), ...some];
      await connection.run(bucket, "sessions", args);
    }
    this.written = now;
  }

  /** Every living node with its sessions: this one's as they are, the others' as they last wrote them. */
  async read(connection: Connection, number: number): Promise<NodeSummary[]> {
    const asked = Array.from({ length: connection.buckets }, (_, bucket) =>
      connection.run(bucket, "nodes", []),
    );
    const nodes = new Map<number, NodeSummary>();
    for (const [bucket, reply] of ((await Promise.all(asked)) as unknown[][]).entries()) {
      for (let i = 0; i + 2 < reply.length; i += 3) {
        const other = Number(reply[i]);
        if (other % connection.buckets !== bucket || other === number) continue;
        const fields = reply[i + 2] as string[];
        const sessions = fields
          .filter((_, at) => at % 2 === 1)
          .map((text) => JSON.parse(text) as SessionSummary);
        nodes.set(other, { id: String(reply[i + 1]), self: false, sessions });
      }
    }
    return [this.own(), ...nodes.values()];
  }

  own(): NodeSummary {
    return { id: this.nodeId, self: true, sessions: [...this.sessions()] };
  }
}
