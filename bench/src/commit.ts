import { execFileSync } from "node:child_process";

/** The commit of a clone, with a `+` when something is not committed; empty outside of one. Default: of this clone. */
export function describeCommit(folder = import.meta.dirname): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: folder, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain") ? "+" : "");
  } catch {
    return "";
  }
}
