import type { Status } from "@wireyard/varint-state";
import { fetchStatus } from "@wireyard/varint-state/client";
import { Failure } from "../errors.ts";
import { explainConnection, type Target } from "./target.ts";

export interface StatusOptions {
  json?: boolean;
  /** Milliseconds. */
  timeout: number;
}

/** `wireyard ping`: how long a server takes to answer. @throws {Failure} where it does not */
export async function ping(target: Target, options: StatusOptions): Promise<void> {
  const { latencyMs } = await ask(target, options);
  const rounded = Math.round(latencyMs * 100) / 100;
  if (options.json) process.stdout.write(`${JSON.stringify({ target: target.name, latencyMs: rounded })}\n`);
  else process.stdout.write(`${target.name} answered in ${rounded} ms\n`);
}

/** `wireyard status`: what a server tells about itself. @throws {Failure} where it does not */
export async function status(target: Target, options: StatusOptions): Promise<void> {
  const { status, latencyMs } = await ask(target, options);
  const rounded = Math.round(latencyMs * 100) / 100;
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ target: target.name, latencyMs: rounded, status })}\n`);
    return;
  }
  process.stdout.write(statusText(target.name, status, rounded));
}

/** A status for people. It comes from a stranger: whatever it holds, this is plain text. */
export function statusText(
  target: string,
  { description, version, players }: Status,
  latencyMs: number,
): string {
  const lines: [string, string][] = [
    ["server", target],
    ["description", plain(description.text)],
    ["version", `${plain(version.name)} (protocol ${version.protocol})`],
    ["players", `${players.online} of ${players.max}`],
    ["among them", plain(players.sample.map(({ name }) => name).join(", "))],
    ["latency", `${latencyMs} ms`],
  ];
  const told = lines.filter(([, value]) => value !== "");
  return told.map(([label, value]) => `${label.padEnd(12)}${value}\n`).join("");
}

async function ask(target: Target, { timeout }: StatusOptions): ReturnType<typeof fetchStatus> {
  try {
    return await fetchStatus({ url: target.url, timeoutMs: timeout });
  } catch (error) {
    throw new Failure(explainConnection(error, target), { cause: error });
  }
}

/** One line without control and format characters, nor Minecraft's colour codes, and not too long. */
function plain(text: string): string {
  const clean = text
    .replace(/§./gu, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}
