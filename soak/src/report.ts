import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Result } from "./run.ts";
import { type Figure, isMet } from "./scenario.ts";
import { SCENARIOS } from "./scenarios.ts";

const DOCUMENT = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));
const START = "<!-- soak: written by pnpm soak -->\n";
const END = "<!-- /soak -->";

export interface Run {
  readonly command: string;
  readonly date: string;
  readonly seed: number;
  readonly results: readonly Result[];
}

/** A run as Markdown. */
export function describeRun({ command, date, seed, results }: Run): string {
  const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
  const findings = results.reduce((sum, result) => sum + result.findings, 0);
  const processor = cpus();
  const head = [
    `- command: \`${command}\`, seed ${seed}`,
    `- date: ${date.slice(0, 10)}, commit ${commit()}`,
    `- machine: ${processor.length} × ${processor[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`,
    `- duration: ${(seconds / 60).toFixed(1)} minutes; figures that are not as promised: ${findings}`,
  ];
  const table = ["| scenario | row | done | figures |", "|---|---|---|---|", ...results.map(row)];
  return [...head, "", ...table].join("\n");
}

/** Puts a run into docs/reliability.md; gives the file's name. */
export function writeReport(run: string): string {
  const text = readFileSync(DOCUMENT, "utf8");
  const start = text.indexOf(START) + START.length;
  const end = text.indexOf(END);
  if (start < START.length || end < start) throw new Error("docs/reliability.md has no place for the report");
  writeFileSync(DOCUMENT, `${text.slice(0, start)}\n${run}\n\n${text.slice(end)}`);
  return path.relative(process.cwd(), DOCUMENT);
}

function row({ name, done, seconds, figures }: Result): string {
  const scenario = SCENARIOS.find((one) => one.name === name);
  const amount = `${done.toLocaleString("en")} ${scenario?.unit} in ${seconds.toFixed(0)} s`;
  return `| ${name} | ${scenario?.promises.join(", ")} | ${amount} | ${figures.map(describe).join("; ")} |`;
}

function describe(figure: Figure): string {
  const { name, value, unit, most, least } = figure;
  const rounded = Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(1);
  const bound = most !== undefined ? `, at most ${most}` : least !== undefined ? `, at least ${least}` : "";
  const text = `${name}: ${rounded}${unit === "" ? "" : ` ${unit}`}${bound}`;
  return isMet(figure) ? text : `**${text}**`;
}

function commit(): string {
  try {
    const git = (...args: string[]): string => execFileSync("git", args, { encoding: "utf8" }).trim();
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain") ? "+" : "");
  } catch {
    return "none";
  }
}
