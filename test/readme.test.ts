import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const transcripts = [...readme.matchAll(/```transcript (\S+)\n(.*?)```/gs)].map(([, protocol, lines]) => ({
  protocol: protocol as string,
  lines: (lines as string).trimEnd().split("\n"),
}));

type Ports = Record<string, { tcp: number }>;

let server: ChildProcess;
let ports: Ports;
const home = mkdtempSync(join(tmpdir(), "wireyard-"));

beforeAll(async () => {
  const free = ["colon-relay", "comma-command", "varint-state", "json-packet"].flatMap((protocol) => [
    "--set",
    `protocols.${protocol}.port=0`,
  ]);
  free.push("--set", "web.port=null");
  const args = ["--conditions=source", join(root, "apps/server/src/main.ts"), "serve", ...free];
  server = spawn(process.execPath, [...args, "--set", "protocols.colon-relay.udpPort=0"], {
    cwd: home,
    stdio: ["ignore", "pipe", "ignore"],
  });
  for await (const line of createInterface(server.stdout as NodeJS.ReadableStream)) {
    if (!line.startsWith("wireyard ready ")) continue;
    ports = JSON.parse(line.slice("wireyard ready ".length)) as Ports;
    break;
  }
});

afterAll(async () => {
  const gone = once(server, "exit");
  server.kill("SIGTERM");
  expect(await gone).toEqual([0, null]);
  rmSync(home, { recursive: true });
});

/** Somebody's connection in a transcript. What came in and was not asked for yet is kept as latin1. */
class Speaker {
  readonly socket: Socket;
  private received = "";
  private changed: () => void = () => {};

  constructor(port: number) {
    this.socket = createConnection({ port, host: "127.0.0.1" });
    this.socket.on("data", (data: Buffer) => {
      this.received += data.toString("latin1");
      this.changed();
    });
  }

  /** Waits until what has come in starts with `pattern`, and takes that away. */
  async expect(pattern: RegExp, what: string): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.received);
      if (match !== null) {
        this.received = this.received.slice(match[0].length);
        return match;
      }
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`${what}\ndid not come; seen: ${this.received}`)),
          5_000,
        );
        this.changed = () => {
          clearTimeout(late);
          resolve();
        };
      });
    }
  }
}

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

/** A line of the README as bytes, in latin1: text and its line end, or hex groups and then text. */
function wire(protocol: string, line: string): string {
  if (protocol === "colon-relay") return latin1(`${line}\n`);
  if (protocol === "json-packet") return latin1(line);
  const [, hex = "", text = ""] = /^((?:(?:[0-9a-f]{2})+(?: |$))*)(.*)$/.exec(line) ?? [];
  return Buffer.from(hex.replaceAll(" ", ""), "hex").toString("latin1") + latin1(text);
}

async function replay(protocol: string, lines: readonly string[]): Promise<void> {
  const speakers = new Map<string, Speaker>();
  const known = new Map<string, string>();
  try {
    for (const line of lines) {
      const [, name = "", direction, said = ""] = /^(\w+)([<>]) (.*)$/.exec(line) ?? [];
      const speaker = speakers.get(name) ?? new Speaker((ports[protocol] as { tcp: number }).tcp);
      speakers.set(name, speaker);
      const filled = said.replace(/<(\w+)>/g, (hole, key: string) => known.get(key) ?? hole);
      if (direction === ">") {
        speaker.socket.write(Buffer.from(wire(protocol, filled), "latin1"));
        continue;
      }
      const holes = [...filled.matchAll(/<(\w+)>/g)].map(([, key]) => key as string);
      const ended = protocol === "json-packet" ? `${filled}\n` : filled;
      const escaped = wire(protocol, ended).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      const pattern = escaped
        .replace(/<\w+>/g, "([\\w.-]+)")
        .replace(new RegExp(`${latin1("…")} ?`, "g"), "[^]*?");
      // Frames end where they end; a wildcard at the end takes the rest.
      const match = await speaker.expect(new RegExp(`^${pattern}${said.endsWith("…") ? "[^]*" : ""}`), line);
      for (const [i, key] of holes.entries()) known.set(key, match[i + 1] as string);
    }
  } finally {
    for (const { socket } of speakers.values()) socket.destroy();
  }
}

describe("the README", () => {
  test.each(transcripts)("its transcript of $protocol is what happens", ({ protocol, lines }) =>
    replay(protocol, lines),
  );

  test("has a transcript for each protocol", () => {
    expect(transcripts.map(({ protocol }) => protocol)).toEqual([
      "colon-relay",
      "comma-command",
      "varint-state",
      "json-packet",
    ]);
  });

  test("names every package, and every link leads somewhere", () => {
    for (const folder of readdirSync(join(root, "packages")))
      expect(readme).toContain(`(packages/${folder})`);
    for (const [, path] of readme.matchAll(/\]\(((?:packages|apps|docs|[A-Z])[^)]*)\)/g)) {
      expect(() => readdirSync(join(root, path as string, "..")), path as string).not.toThrow();
    }
  });
});
