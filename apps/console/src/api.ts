/** What the server answers: see "Web port" in the README of apps/server. */

export interface ProtocolCounts {
  sessions: number;
  opened: number;
  received: number;
  delivered: number;
  slowReaders: number;
}

export interface Protocol extends ProtocolCounts {
  name: string;
  ports: Record<string, number>;
}

/** The counts of each protocol at one time, in the order of `protocols`. */
export interface Sample {
  /** Milliseconds since the epoch. */
  at: number;
  counts: { sessions: number; received: number; delivered: number }[];
}

export interface Overview {
  version: string;
  node: string;
  state: "serving" | "draining";
  startedAt: number;
  now: number;
  sessions: number;
  maxConnections: number;
  users: number;
  rooms: number;
  protocols: Protocol[];
  refused: { total: number; address: number; rate: number };
  loginFailures: number;
  registrations: number;
  process: { rssBytes: number; cpuSeconds: number; loopDelayMs: number };
  samples: Sample[];
}

export interface SessionRow {
  id: number;
  protocol: string;
  transport: string;
  name: string;
  user: string | null;
  room: string | null;
  address: string;
  openedAt: number;
}

export interface RoomRow {
  name: string;
  members: number;
  private: boolean;
}

export interface UserRow {
  name: string;
  /** On this node. */
  sessions: number;
}

export interface LogRow {
  id: number;
  /** Milliseconds since the epoch. */
  at: number;
  level: string;
  message: string;
  /** What was told beside it. */
  fields: Record<string, unknown>;
}

/** A page of a list, and where the next begins; `null` behind the last. */
export interface Page<Row> {
  rows: Row[];
  next: string | null;
}

/** The server understood, and refused. */
export class Refused extends Error {}

const TIMEOUT_MS = 5_000;

/** @throws {Refused} in the server's words @throws {Error} where it does not answer */
export async function get<Answer>(path: string): Promise<Answer> {
  return answerOf<Answer>(await fetch(path, { signal: AbortSignal.timeout(TIMEOUT_MS) }));
}

/** @throws {Refused} in the server's words @throws {Error} where it does not answer */
export async function post(path: string): Promise<void> {
  const { csrf } = await get<{ csrf: string }>("/api/session");
  const headers = { "x-csrf-token": csrf };
  await answerOf(await fetch(path, { method: "POST", headers, signal: AbortSignal.timeout(TIMEOUT_MS) }));
}

async function answerOf<Answer>(response: Response): Promise<Answer> {
  if (response.status === 401) location.assign("/login?problem=ended");
  const answer = (await response.json()) as Answer & { error?: { message: string } };
  if (!response.ok) throw new Refused(answer.error?.message ?? `the server answered ${response.status}`);
  return answer;
}
