import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { STATES, type State, type StateRow } from "../src/index.ts";

/**
 * The diagram and the table of states in PROTOCOL.md, made from the table in the code. To write them anew:
 *
 *     node --conditions=source packages/varint-state/test/state-diagram.ts
 */
export const PROTOCOL_FILE: string = fileURLToPath(new URL("../PROTOCOL.md", import.meta.url));

const START = "<!-- states: made from src/state.ts by test/state-diagram.ts -->\n";
const END = "<!-- /states -->";

/** The page with its states as they have to be. */
export function withStates(page: string): string {
  const start = page.indexOf(START) + START.length;
  const end = page.indexOf(END);
  if (start < START.length || end < start) throw new Error("PROTOCOL.md has no place for the states");
  return `${page.slice(0, start)}\n${diagram()}\n${table()}\n${page.slice(end)}`;
}

const rows = Object.entries(STATES) as [State, StateRow][];

function diagram(): string {
  const lines = rows.flatMap(([state, { client, server }]) => {
    const moves = client.flatMap(({ type, to }, id) =>
      targetsOf(to).map(([target, condition]) => `${state} --> ${target}: ${packet(id, type)}${condition}`),
    );
    // Where a client can say nothing, the server's word is the last.
    return moves.length > 0 ? moves : [`${state} --> [*]: ${packet(0, server[0] ?? "")}`];
  });
  return [
    "```mermaid",
    "stateDiagram-v2",
    "  [*] --> default",
    ...lines.map((line) => `  ${line}`),
    "```",
    "",
  ].join("\n");
}

function table(): string {
  const ids = [0, 1];
  const head = [
    `| state | on the wire | ${ids.map((id) => `client \`${hex(id)}\``).join(" | ")} | ${ids.map((id) => `server \`${hex(id)}\``).join(" | ")} |`,
    `|---|---|${"---|".repeat(2 * ids.length)}`,
  ];
  const body = rows.map(([state, { wire, client, server }]) => {
    const said = ids.map((id) => {
      const known = client[id];
      if (known === undefined) return "";
      const targets = targetsOf(known.to).map(([target, condition]) => `\`${target}\`${condition}`);
      return `${title(known.type)} → ${targets.join("; ")}`;
    });
    return `| \`${state}\` | ${wire} | ${[...said, ...ids.map((id) => title(server[id] ?? ""))].join(" | ")} |`;
  });
  return `${[...head, ...body].join("\n")}\n`;
}

/** Each state that a packet leads to, with the next states that it asks for where they make the difference. */
function targetsOf(to: StateRow["client"][number]["to"]): [target: string, condition: string][] {
  if (typeof to === "string") return [[to, ""]];
  return [...new Set(Object.values(to))].map((target) => {
    const asked = Object.keys(to).filter((next) => to[Number(next)] === target);
    return [target, `, next state ${asked.join(" or ")}`];
  });
}

function packet(id: number, type: string): string {
  return `${hex(id)} ${title(type)}`;
}

function title(type: string): string {
  return type.replaceAll("_", " ").replace(/\b[a-z]/g, (letter) => letter.toUpperCase());
}

function hex(id: number): string {
  return id.toString(16).padStart(2, "0");
}

if (import.meta.main) writeFileSync(PROTOCOL_FILE, withStates(readFileSync(PROTOCOL_FILE, "utf8")));
