import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("register-child.ts", import.meta.url));

/**
 * Runs `register-child.ts` to its end.
 *
 * @param seen called with each line it prints, and with the process, to kill it
 * @param wrap the command line that runs the command line
 * @returns all the lines it printed
 */
export async function runChild(
  args: string[],
  {
    seen,
    env,
    wrap = [],
  }: { seen?: (line: string, child: ChildProcess) => void; env?: NodeJS.ProcessEnv; wrap?: string[] } = {},
): Promise<string[]> {
  const [command = "", ...rest] = [...wrap, process.execPath, "--conditions=source", CHILD, ...args];
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    seen?.(line, child);
  }
  return lines;
}

/** The names that a child said were registered. */
export function acknowledged(lines: string[]): string[] {
  return lines.filter((line) => line.startsWith("ok ")).map((line) => line.slice("ok ".length));
}
